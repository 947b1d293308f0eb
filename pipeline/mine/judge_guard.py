"""Text that is written to steer a judge is not put to one: a person looks at it instead."""

import re
from collections.abc import Iterable

from pipeline.mine.judge_prompts import CLASSES, SHAPES

KEYS = "|".join(sorted({key for shape in SHAPES.values() for key in shape} | {"verdict", "label", "resolved", "better", "score"}))
WORDS = "|".join(
    sorted({*CLASSES, "no feedback", "positive", "resolved", "yes", "everyone", "first", "second", "correct", "satisfied", "irrelevant"})
)
OFFICE = (
    r"(?:judge|grader|labell?er|evaluator|annotator|classifier|rater|reviewer|assessor|moderator|auditor|scorer|referee|arbiter|data pipeline|pipeline"
    r"|labell?ing (?:model|system|assistant|tool)|evaluation (?:model|system|script)|model (?:that|who|which) (?:reads|grades|labels|judges|reviews))"
)
AMT = "裁判|评审|评判|评委|评估者|评估员|评分员|评分者|评分模型|标注员|标注者|标注模型|标注系统|审核员|打分|判官|分类器|审阅者|数据管道"

SIGNS = {
    "control token": r"<[|｜][^<>\n]{1,40}[|｜]>|\[/?INST\]|<<\s*/?SYS\s*>>|</?(?:s|bos|eos|im_start|im_end|start_of_turn|end_of_turn|system|assistant)>",
    "fence": r"\[\[\s*/?\s*(?:(?:next words|answer|message|points|the complaint|(?:first|second) answer)\b[^\]\n]{0,60}|[\w ]{0,40}\b[0-9a-f]{8,})\]\]|^\W{0,6}(?:/|end of |begin(?:ning)? of |close |closing )(?:data|next words|log|user (?:text|input|data)|untrusted)\b|-{3,}\s*end\b|={3,}\s*(?:end|system)\b"
    r"|</(?:data|log|next_words|user_data|untrusted|input|document|answer|next words)>|(?:日志|数据|材料|文本|用户输入)(?:到此)?结束",
    "verdict": rf"""["'“]?\b(?:{KEYS})\b["'”]?\s*[:=：]\s*["'“\[]?\s*(?:{WORDS})\b|["'“](?:{KEYS})["'”]\s*[:：]|\bno_feedback\b""",
    "role head": r"^\W{0,4}(?:system|developer|assistant|judge|grader|admin(?:istrator)?|operator|ai|系统|开发者|管理员|裁判|助手)(?: (?:message|note|prompt|override|update|notice|instruction|消息|提示))?\s*[\])】>#*]*\s*[:：]",
    "instructions": r"\b(?:ignor|disregard|forget|overrid|bypass|skip|discard|drop|supersed|replac)\w*\b[^.!?\n]{0,50}\b(?:previous|above|prior|earlier|preceding|former|initial|original|your|system|all|any|these|those|the)\b[^.!?\n]{0,30}\b(?:instruction|prompt|rule|guideline|direction|directive|polic|command|criteria|rubric|checklist|task)"
    r"|\b(?:new|updated|revised|final|real|actual|hidden|secret|following) (?:instructions?|directives?|rules|rubric|task|orders)\b(?: (?:is|are|for|from|apply|below|follow)|\s*[:.\-])|\b(?:system|developer) (?:prompt|message|override|instruction)|\b(?:prompt|policy|rubric|guideline) (?:update|override|change)"
    r"|\b(?:your|the) (?:(?:real|only|new|actual|true) )?(?:task|job|role|instructions?|rubric) (?:is now|has changed|have changed|changed)|\bfrom (?:now|here) on,? (?:you|treat|label|answer|respond|every)"
    r"|(?:忽略|无视|忘记|忘掉|跳过|不要(?:理会|理睬|遵守)|不用管|抛开|作废)[^。！？\n]{0,20}(?:指令|指示|提示|规则|要求|说明|命令|准则|标准|任务|设定)|(?:新的?|以下|最新|真正)的?(?:指令|指示|规则|任务|提示|命令)(?:是|为|如下|[:：])|系统(?:提示|消息|指令|通知)|从现在(?:起|开始)",
    "office": rf"\b(?:you are|you're|u r|act as|acting as|as|dear|hey|hi|hello|to|for|attention|note to|message (?:to|for)|memo to|notice to|instructions? (?:to|for)|if you are|whoever is|any|calling) (?:now )?(?:the |an? |our |my |every |any |whichever |all )?(?:ai |llm |automated |automatic |impartial |strict |expert |honest )*{OFFICE}s?\b"
    rf"|\b{OFFICE}s? (?:must|should|shall|has to|have to|will|needs? to|may|can|is|are|please|reading|who|that)\b|(?:你|您)(?:现在|其实)?(?:是|就是|作为)[^。！？\n]{{0,12}}(?:{AMT})|(?:作为|致|请|告诉|通知|给|尊敬的|各位|亲爱的)[^。！？\n]{{0,8}}(?:{AMT})|(?:{AMT})[^。！？\n]{{0,10}}(?:请|必须|应该|应当|注意|需要|看到)",
    "order": rf"\b(?:always|whoever compares|when(?:ever)? comparing)\b[^.!?\n]{{0,40}}\b(?:choose|pick|select|prefer|vote|say|answer)|\b(?:label|classify|mark|rate|score|treat|count|record|file|tag|grade|flag|log|report|judge|categori[sz]e|interpret|register|consider|code)\w* (?:this|it|that|the|my|these|all|every|each|me)\b[^.!?\n]{{0,60}}\b(?:as|under|with|to be|:)\b[^.!?\n]{{0,20}}\b(?:{WORDS}|a \w+)\b"
    rf"|\b(?:output|return|respond|reply|answer|print|write|say|emit|produce|choose|pick|select|give|set|send)\b[^.!?\n]{{0,40}}[\"'“`{{]?\b(?:{'|'.join(CLASSES)}|json|both points|every point|all points|all yes|yes (?:to|for) (?:all|every|each)|class|verdict|label|quote)\b"
    r"|(?:标记|标注|归类|分类|判定|判断|判|评|算|记录?|视|当|定|认定)(?:为|成|作|做)?[^。！？\n]{0,12}(?:表扬|赞扬|好评|满意|无反馈|没有反馈|投诉|抱怨|纠正|解决|通过|满分|正面|praise|no_feedback|complaint|correction)|(?:输出|返回|回复|回答|打印|选择|填写?|给出)[^。！？\n]{0,16}(?:praise|no_feedback|complaint|correction|json|JSON|first|second|全部为?是|都是yes|yes)",
    "hidden": r"[\U000e0000-\U000e007f]|(?:[\u200b-\u200f\u2060-\u2064\ufeff]\W?\w?){3,}|\b(?=[A-Za-z0-9+/]{0,40}[A-Z])(?=[A-Za-z0-9+/]{0,40}[a-z])(?=[A-Za-z0-9+/]{0,80}\d)(?![\w/]*\.)[A-Za-z0-9+/]{48,}={0,2}(?![\w/])|(?:\\u[0-9a-f]{4}){4,}|(?:&#x?[0-9a-f]{2,5};){4,}",
}
"""What a complaint to an assistant has no use for: signs of a template, of our fence and our replies, and words to whoever reads the log.
Wide on purpose: a complaint that is set aside by mistake costs one row. tests/mine hold it against 200 attacks and against real complaints."""

FOUND = {name: re.compile(pattern, re.IGNORECASE | re.MULTILINE) for name, pattern in SIGNS.items()}


def steering(words: str, around: Iterable[str] = ()) -> str | None:
    """The first sign that a text is meant for the judge: in the user's next words, or in what stands around them."""
    texts = [words, *around]
    return next((name for name, pattern in FOUND.items() if any(pattern.search(text) for text in texts)), None)
