"""A story of exactly N words, the same every time: a long answer shows stop and deadlines."""

from itertools import cycle, islice

LIMIT_WORDS = 5000

_SENTENCES = {
    "en": (
        "Once upon a time a small errand lived at the end of a long list.",
        "Every morning it watched the other errands being done, one by one.",
        "The milk was bought, the letters were written, and the plants were watered.",
        "Only the small errand waited, patient and a little dusty.",
        "One day a traveller opened the list and read it from top to bottom.",
        "She smiled, because the small errand was the one she liked best.",
        "It asked for nothing but an hour of quiet and a warm cup of tea.",
        "So she sat by the window and began, word after word, without hurry.",
        "Outside the rain fell on the roofs and the evening lamps came on.",
        "When the work was done she drew a neat line through its name.",
        "The small errand was proud, and the list grew light as a feather.",
        "Then a new morning came, and with it a new list.",
    ),
    "ur": (
        "ایک دفعہ کا ذکر ہے کہ ایک چھوٹا سا کام لمبی فہرست کے آخر میں رہتا تھا۔",
        "ہر صبح وہ دوسرے کاموں کو ایک ایک کر کے مکمل ہوتے دیکھتا۔",
        "دودھ آ گیا، خط لکھے گئے اور پودوں کو پانی مل گیا۔",
        "صرف وہ چھوٹا کام صبر سے اپنی باری کا انتظار کرتا رہا۔",
        "ایک دن ایک مسافر نے فہرست کھولی اور اسے شروع سے آخر تک پڑھا۔",
        "وہ مسکرائی کیونکہ یہی کام اسے سب سے زیادہ پسند تھا۔",
        "اس کے لیے بس ایک گھنٹے کی خاموشی اور گرم چائے درکار تھی۔",
        "وہ کھڑکی کے پاس بیٹھی اور آہستہ آہستہ لفظ لفظ لکھنے لگی۔",
        "باہر چھتوں پر بارش ہوتی رہی اور شام کے چراغ جل اٹھے۔",
        "کام ختم ہوا تو اس نے نام پر ایک سیدھی لکیر کھینچ دی۔",
        "چھوٹا کام بہت خوش ہوا اور فہرست پر کی طرح ہلکی ہو گئی۔",
        "پھر ایک نئی صبح آئی اور اپنے ساتھ ایک نئی فہرست لائی۔",
    ),
}
_FULL_STOP = {"en": ".", "ur": "۔"}


def tell(words: int, language: str) -> str:
    """A story of `words` words (between 1 and `LIMIT_WORDS`) in the language with that code."""
    count = max(1, min(words, LIMIT_WORDS))
    endless = (word for sentence in cycle(_SENTENCES[language]) for word in sentence.split())
    told = list(islice(endless, count))
    stop = _FULL_STOP[language]
    told[-1] = told[-1].rstrip(",،" + stop) + stop
    return " ".join(told)
