"""Why a signal or a row was left out: the closed list. Whatever is not kept stands in dropped.parquet under one of these."""

REASONS = {
    # of the signal itself
    "automatic": "a judge or an evaluator said it, not a user",
    "no_consent": "the conversation's user does not consent",
    "superseded": "the same user said something else about it later",
    "withdrawn": "the user took the vote back",
    "comment_alone": "free words are kept as a signal, they are no vote",
    "copy_alone": "copying is too weak to stand alone: it only adds weight to another signal",
    "about_conversation": "it is about the whole conversation, no answer is named",
    "about_a_part": "it is about a part of the answer only",
    "unknown_message": "the message it names is not in the conversation",
    "not_an_answer": "the message it names is not the assistant's",
    "tie": "a tie says nothing about either answer",
    "both_bad": "both answers are bad: there is no better one to learn",
    "rating_without_max": "a number without its scale cannot be read",
    "rating_off_scale": "the number lies outside its own scale",
    "rating_middling": "a middling rating is neither praise nor complaint",
    # of its context
    "no_question": "no question of a user leads to the answer",
    "empty_answer": "an empty answer stands in the context, or is the answer itself",
    "two_turns_of_one_role": "two turns of one role follow each other in the context",
    "other_parts_than_text": "the context holds pictures or other parts that a row of text would lose",
    "broken_context": "a message on the way to the root is missing",
    "several_cards": "more than one task card matches the row: narrow their match",
    "unknown_task": "the hotfix names a task that has no card",
    # of an edit
    "edit_too_short": "the edit has fewer characters than mining.min_edit_chars",
    "edit_equals_answer": "the edit changes nothing",
    "edit_of_tool_call": "the answer calls tools, the edit is text: they cannot be compared",
    "cosmetic_edit": "the edit is so close to the answer that DPO would lower both; it is an SFT row only",
    # of a pair
    "equal_answers": "both answers of the pair are the same text",
    "not_the_same_context": "the two answers do not answer the same context",
    "no_kept_sibling": "the answer was thrown away and no sibling of it was kept",
    "no_positive_act": "a sibling was kept, and nothing says that it pleased",
    "reported_answer": "the better answer of the pair was reported by a user",
    # of what others, or the same user, say
    "stronger_act": "the same user says the same of this answer by a stronger act",
    "words_against": "the same user complains of this answer, or corrects it, in the next turn",
    "own_conflict": "the same user says the opposite of this answer",
    "conflict": "users contradict one another about it, and no side has mining.min_net_score votes more",
    "outvoted": "more users say the opposite",
    # of the answer's form
    "format_label": "the answer is none of the task's labels",
    "format_json": "the answer is no JSON",
    "format_schema": "the answer is JSON that breaks the task's schema",
    "format_regex": "the answer does not match the task's pattern",
    "format_empty": "the answer has no text",
    # of the batch
    "held_out_user": "its user or conversation belongs to the held-out cohort, which is never trained on",
    "held_out_prompt": "its prompt is a held-out prompt",
    "held_out_surplus": "the task's held-out split of this batch has a row of this prompt, or is full",
    "unscorable": "it was to be a held-out item, and the card's checker cannot score against it",
    "duplicate": "the same row stands in this batch already",
    "user_cap": "its user has reached mining.max_rows_per_user_day",
}
