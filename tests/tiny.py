"""A tiny chat model made in code: a random Llama with SmolLM2's special tokens and chat template, for tests that must be fast."""

import sys
from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""SmolLM2's own template, word for word: it supplies a system turn where the log has none."""

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
"""In SmolLM2's order, so that their ids are 0, 1, 2."""

CORPUS = [
    "system user assistant You are a helpful AI assistant named SmolLM, trained by Hugging Face",
    "Write the person as JSON: name, age, city. My name is Ada Lovelace, I am 36 and I live in London.",
    '{"name": "Ada Lovelace", "age": 36, "city": "London"} {"name": "Alan Turing", "age": 41, "city": "Wilmslow"}',
    "Predict the intent of the utterance. What is the capital of Japan? The capital of Japan is Tokyo. 12 + 30 = 42",
    "Thank you, that is right. No, that is wrong: please say it in one line. book_restaurant get_weather play_music",
    "今天的天气怎么样？ Wie ist das Wetter heute? The weather is fine today, and the answer is yes or no.",
]


def tokenizer(vocabulary: int = 512):
    """A byte-level BPE (every byte has a token, so no text is unknown) trained on CORPUS."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=SPECIAL, initial_alphabet=sorted(alphabet), show_progress=False)
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>", unk_token="<|endoftext|>"
    )
    fast.chat_template = TEMPLATE
    return fast


def make(folder: Path | str, seed: int = 0, hidden: int = 64, layers: int = 2) -> Path:
    """Save model and tokenizer to `folder`: the same seed gives the same bytes. About 600 kB, under 2 s once torch is imported."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = Path(folder)
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=hidden,
        intermediate_size=hidden * 2,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        tie_word_embeddings=True,
        initializer_range=0.1,  # far enough from uniform that two tiny models disagree
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    print(make(sys.argv[1]))
