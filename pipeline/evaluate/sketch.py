"""Small gradients of many texts in one pass: both factors of every linear layer's gradient, projected before they are multiplied."""

from typing import Any

SIZE, LEAST_SIDE = 8000, 4
"""Numbers kept of a gradient, shared by all layers: as many directions of what goes into a layer as of what comes back. Cosines of unrelated
gradients then scatter by about .01; a model of 210 layers keeps 6 x 6 of each."""
SEED = 17
IGNORED = -100

Part = tuple[tuple[int, ...], tuple[int, ...], float]


class Sketch:
    """A loaded model whose weights stay as they are; only what flows back through its layers is caught."""

    def __init__(self, model: Any):
        import torch

        self.model = model.eval()
        self.model.requires_grad_(False)
        self.model.config.use_cache = False
        head = model.get_output_embeddings()
        self.layers = [
            (n, m)
            for n, m in model.named_modules()
            if isinstance(m, torch.nn.Linear) and m is not head and ".lora_" not in n  # an adapter's own factors move with the layer's
        ]
        side = max(LEAST_SIDE, round((SIZE / len(self.layers)) ** 0.5))
        draw = torch.Generator().manual_seed(SEED)
        self.into = {n: torch.randn(m.in_features, side, generator=draw).to(m.weight) / side**0.5 for n, m in self.layers}
        self.out = {n: torch.randn(m.out_features, side, generator=draw).to(m.weight) / side**0.5 for n, m in self.layers}
        self.seen: dict[str, Any] = {}
        self.caught: dict[str, Any] = {}
        self.hooks = [
            h for n, m in self.layers for h in (m.register_forward_hook(self._forward(n)), m.register_full_backward_hook(self._back(n)))
        ]

    def _forward(self, name: str) -> Any:
        def hook(_module: Any, given: tuple, _result: Any) -> None:
            self.seen[name] = given[0].detach() @ self.into[name]

        return hook

    def _back(self, name: str) -> Any:
        def hook(_module: Any, _given: Any, back: tuple) -> None:
            import torch

            # tokens are summed, texts are not: a text's gradient is its own
            self.caught[name] = torch.einsum("bti,bto->bio", self.seen.pop(name).float(), (back[0] @ self.out[name]).float())

        return hook

    def gradients(self, texts: list[tuple[Part, ...]]) -> Any:
        """One line a text: the gradient of its loss, a mean over the tokens of each part, signed and summed over parts."""
        import numpy as np

        parts = [(n, part) for n, text in enumerate(texts) for part in text]
        vectors = self._pass([p for _, p in parts])
        found = np.zeros((len(texts), vectors.shape[1]), np.float32)
        for (n, (_, _, sign)), vector in zip(parts, vectors, strict=True):
            found[n] += sign * vector
        return found

    def _pass(self, parts: list[Part]) -> Any:
        import torch

        place = next(self.model.parameters()).device
        longest = max(len(a) + len(b) for a, b, _ in parts)
        ids = torch.zeros(len(parts), longest, dtype=torch.long)
        labels = torch.full((len(parts), longest), IGNORED)
        for n, (read, said, _) in enumerate(parts):
            ids[n, : len(read) + len(said)] = torch.tensor([*read, *said])
            labels[n, len(read) : len(read) + len(said)] = torch.tensor(said)
        # padding stands behind the text, where a causal model never looks from
        entry = self.model.get_input_embeddings()(ids.to(place)).detach().requires_grad_(True)
        logits = self.model(inputs_embeds=entry, use_cache=False).logits[:, :-1].float()
        goal = labels[:, 1:].to(place)
        nll = torch.nn.functional.cross_entropy(logits.transpose(1, 2), goal, ignore_index=IGNORED, reduction="none")
        (nll.sum(1) / (goal != IGNORED).sum(1)).sum().backward()
        found = torch.cat([self.caught[n].flatten(1) for n, _ in self.layers], dim=1).cpu().numpy()
        self.caught.clear()
        return found

    def close(self) -> None:
        """Give the memory back before the next model is loaded."""
        import gc

        for hook in self.hooks:
            hook.remove()
        del self.model, self.into, self.out, self.layers
        gc.collect()
