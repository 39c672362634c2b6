# ruff: noqa: E501 - a pattern is read best on one line
"""Urdu: how tasks are spoken of, and what is answered. The verb ends a clause: clauses split there."""

from sidestream.local.model import remarks
from sidestream.local.model.remarks import folded
from sidestream.local.model.text import fold
from sidestream.tasks.scripted.dates import DATE
from sidestream.tasks.scripted.language import Kind, Language, Rule, Spread, TargetWords, talk
from sidestream.tasks.scripted.phrases import URDU_PHRASES
from sidestream.tasks.scripted.roman import ROMAN, ROMAN_OPEN


def _rule(kind: Kind, pattern: str, topic: str = "", spread: Spread = Spread.NEVER) -> Rule:
    return Rule(kind, folded(pattern), topic, spread)


_TASK = r"(?:کاموں|کام|ٹاسکس|ٹاسک|یاد دہانی|یاددہانی|آئٹم)"
_LIST = r"(?:فہرست|لسٹ|ٹو ڈو لسٹ)"
_DO = r"(?:کریں|کرو|کرنا|کر لیں|کر لو|کر لیا|کر لی|کر دیں|کر دو|کر دیا|کر دی|کر دیجیے|کر دینا|کردیں|کردو|کردیا|کیجیے|کیجئے|کر|کیا|دیں|دو|دیجیے|دینا)"
_GIVE = r"(?:دیں|دو|دیجیے|دیجئے|دینا|لو|لیں|ڈالو)"
_ADD = rf"(?:(?:شامل|ایڈ|درج|اضافہ|نوٹ) {_DO}|(?:بنا|لکھ|ڈال|رکھ|جوڑ) {_GIVE}|بناؤ|بنائیں|بنائیے|بنادو|بنانا|لکھو|لکھیں|ڈالو|ڈالیں|رکھو|رکھیں|جوڑو|جوڑیں)"
_SHOW = r"(?:دکھاؤ|دکھائیں|دکھائیے|دکھا دو|دکھا دیں|دکھا|دکھانا|بتاؤ|بتائیں|بتائیے|بتا دو|بتا دیں|کھولو|کھولیں|پڑھو|پڑھیں|سناؤ|سنائیں)"
_FIND = rf"(?:(?:تلاش|سرچ) {_DO}|ڈھونڈو|ڈھونڈیں|ڈھونڈ {_GIVE}|ڈھونڈھو|کھوجو)"
_DONE = r"(?:مکمل شدہ|مکمل|پورے|پورا|پوری|ختم|ہو چکے|ختم شدہ|ڈن)"
_OPEN = r"(?:نامکمل|نا مکمل|باقی|ادھورے|ادھورا|زیر التوا|رہتے|پینڈنگ|غیر مکمل)"
_STATUS = rf"(?:{_OPEN}|{_DONE})"
_REMOVE = rf"(?:(?:حذف|ڈیلیٹ|ڈلیٹ|خارج|منسوخ|کینسل|ریموو) {_DO}|(?:مٹا|ہٹا|نکال) {_GIVE}|مٹاؤ|مٹائیں|ہٹاؤ|ہٹائیں|نکالو|نکالیں)"
_RENAME = r"(?:کر دو|کر دیں|کرو|کریں|رکھ دو|رکھ دیں|رکھو|رکھیں|لکھ دو|لکھو)"
_CHANGE = rf"(?:بدلو|بدلیں|بدل {_GIVE}|(?:تبدیل|اپڈیٹ|اپ ڈیٹ) {_DO}|{_RENAME})"
_REMIND = rf"(?:یاد (?:دلانا|دلاؤ|دلائیں|دلا {_GIVE}|کروانا|کروا {_GIVE}|رکھنا))"


def _rules(kind: Kind, *patterns: str) -> tuple[Rule, ...]:
    return tuple(_rule(kind, pattern) for pattern in patterns)


_PLANS = (
    *_rules(
        Kind.UNDO,
        r"(?:(?:یہ|اسے|اس کو|وہ|پچھلا کام|پچھلی تبدیلی) )?(?:واپس|کالعدم|ان ڈو|انڈو) (?:کرو|کریں|کر دو|کر دیں|لے لو|لو|لیں)",
    ),
    *_rules(
        Kind.PLAN,
        rf"(?:(?:میرا|میرے|آج کا|آج کے|اپنا|اپنے|پورا) )*(?:دن|کام|کاموں)(?: کو| کی| کا)? (?:ترتیب|منصوبہ|منصوبہ بندی|پلان)(?: کرنے| دینے| بنانے)?(?: میں)?(?: میری)?(?: مدد)? (?:{_DO}|بناؤ|بنائیں|بنا {_GIVE})",
        rf"(?:آج کی|دن کی) منصوبہ بندی(?: میں)?(?: میری)?(?: مدد)? {_DO}",
        r"(?:آج )?(?:پہلے کیا کروں|کہاں سے شروع کروں|کس سے شروع کروں|کیا پہلے کروں)",
    ),
)

_CHANGES = (
    *_rules(
        Kind.UPDATE,
        rf"(?P<target>.+?) کا (?:نام|عنوان|ٹائٹل) (?:بدل کر|بدل کے|تبدیل کر کے|تبدیل کرکے) (?P<title>.+?) {_RENAME}",
        rf"(?P<target>.+?) کا (?:نام|عنوان|ٹائٹل) (?P<title>.+?) (?:سے |میں )?{_CHANGE}",
        rf"(?P<target>.+?) (?:میں|پر|کے لیے|کے ساتھ) (?:یہ |ایک )?نوٹ {_ADD}\s*:?\s*(?P<notes>.+)",
        rf"(?P<target>.+?) (?:میں|پر|کے لیے|کے ساتھ) (?:یہ |ایک )?نوٹ\s*:?\s*(?P<notes>.+?) {_ADD}",
        rf"(?P<target>.+?) کی (?:آخری )?تاریخ (?P<due>.+?) {_CHANGE}",
        rf"(?P<target>.+?) کو (?:بدل کر |تبدیل کر کے )(?P<title>.+?) {_RENAME}",
    ),
    *_rules(
        Kind.REOPEN,
        rf"(?P<target>.+?)(?: کو)? (?:{_OPEN} {_DO}|دوبارہ (?:کھولو|کھولیں|کھول {_GIVE}|شروع {_DO}))",
        r"(?P<target>.+?) (?:ابھی )?(?:مکمل|پورا|ختم) نہیں (?:ہوا|ہوئی|ہے|کیا)(?: ہے)?",
    ),
    *_rules(
        Kind.COMPLETE,
        rf"(?:میں نے )?(?P<target>.+?)(?: کو)? (?:مکمل|پورا|پوری|ختم|کمپلیٹ|ڈن|مکمل شدہ)(?: کے طور پر)?(?: نشان زد| مارک)? {_DO}(?: ہے| ہیں)?",
        r"(?P<target>.+?) (?:مکمل |پورا |ختم )?(?:ہو گیا|ہو گئی|ہوگیا|ہوگئی|ہو گئے|ہو چکا|ہو چکے)(?: ہے| ہیں)?",
        r"میں نے (?P<target>.+?) (?:کر لیا|کر لی|کر دیا|کر لیے)(?: ہے| ہیں)?",
    ),
    _rule(Kind.DELETE, rf"(?P<target>.+?)(?: کو)?(?: {_LIST} سے| میری {_LIST} سے)? {_REMOVE}"),
    _rule(Kind.UPDATE, rf"(?P<target>.+?) کو (?P<title>.+?) (?:میں|سے) {_CHANGE}"),
)

_READS = (
    *_rules(
        Kind.SEARCH,
        rf"(?P<query>.+?) (?:والے|والا|والی|سے متعلق|کے بارے میں)? ?(?:{_TASK} )?{_FIND}",
        rf"(?P<query>.+?) (?:کے بارے میں|سے متعلق)(?: کون سے| کوئی)? {_TASK} (?:{_SHOW}|ہے|ہیں)",
    ),
    *_rules(
        Kind.LIST,
        rf"(?:مجھے |ذرا )*(?:میرے |میری |اپنے |ہمارے |سب |سارے |تمام |سبھی |کل )*(?:(?P<status>{_STATUS}) )?(?:{_TASK}(?: کی {_LIST})?|{_LIST}|سب کچھ)(?: (?P<status2>{_STATUS}))? (?:{_SHOW}|کیا ہیں|کیا ہے|کون سے ہیں|کتنے ہیں|ہیں کیا)",
        rf"(?:میر[یے] {_LIST} میں )?(?:میرے |میری )?(?:کون سے|کون کون سے|کیا|کتنے|کیا کیا) ?(?:{_TASK} )?(?P<status>{_STATUS})(?: {_TASK})?(?: ہیں| ہے| ہوئے| ہو چکے ہیں)?",
        rf"(?:میرے |کل )?(?:کتنے|کون سے|کون کون سے) {_TASK}(?: (?P<status>{_STATUS}))? (?:ہیں|ہے)",
        rf"(?:میرے |میری |سب |سارے |تمام )*(?:(?P<status>{_STATUS}) )?(?:کام|ٹاسک|ٹاسکس|{_LIST}|کاموں کی {_LIST})",
        r"(?:مجھے )?(?:آج )?کیا(?: کیا)? کرنا (?:ہے|باقی ہے)",
    ),
    _rule(Kind.SHOW, rf"(?:مجھے )?(?P<target>.+?)(?: کی تفصیل| کے بارے میں| کی تفصیلات)? {_SHOW}"),
)

_ADDS = (
    _rule(
        Kind.ADD, rf"(?:یہ |مندرجہ ذیل |ایک |نیا |نئے )*{_TASK} {_ADD}\s*:?", spread=Spread.ALWAYS
    ),
    _rule(
        Kind.ADD,
        rf"(?:یہ |مندرجہ ذیل |نئے )*(?:کاموں|ٹاسکس) (?:میں )?{_ADD}\s*:\s*(?P<title>.+)",
        spread=Spread.ALWAYS,
    ),
    *_rules(
        Kind.ADD,
        rf"(?:ایک |نیا |نئی |میرے لیے )*{_TASK} {_ADD}\s*[:,-]?\s*(?P<title>.+)",
        rf"(?:ایک |نیا |نئی )+{_TASK}\s*:?\s*(?P<title>.+?)(?: {_ADD})?|{_TASK}\s*:\s*(?P<title2>.+)",
    ),
    _rule(
        Kind.ADD,
        rf"(?:میر[یے] )?(?:{_LIST}|{_TASK}(?: کی {_LIST})?) میں (?P<title>.+?)(?: کو| کا {_TASK})? {_ADD}",
        spread=Spread.WORDS,
    ),
    _rule(
        Kind.ADD,
        rf"(?P<title>.+?)(?: کو| (?:کا|کے) {_TASK}(?: کو)?)? (?:میر[یے] )?(?:{_LIST}|{_TASK}(?: کی {_LIST})?) میں {_ADD}",
        spread=Spread.WORDS,
    ),
    *_rules(
        Kind.ADD,
        rf"(?:مجھے |میرے لیے |ایک )*(?P<title>.+?) (?:کا|کی|کے|کے لیے|والا|نام کا|کے نام سے)(?: ایک| نیا| نئی)*(?: نیا| نئی)? {_TASK} {_ADD}",
        rf"مجھے (?:.+ )?{_REMIND} کہ (?P<title>.+?)(?: ہے| ہیں)?",
        rf"مجھے (?P<title>.+?)(?: کی| کا| کے لیے)? {_REMIND}|(?P<title2>.+?) {_REMIND}",
        r"مجھے (?P<title>.+? (?:نا|.+نا|.+نی|.+نے)) (?:ہے|ہیں|ہو گا|پڑے گا)",
    ),
    _rule(Kind.ADD, rf"(?P<title>.+?)(?: کو)? {_ADD}", spread=Spread.WORDS),
)

_ORDINALS = {
    **dict.fromkeys(("پہلا", "پہلے", "پہلی"), 1),
    **dict.fromkeys(("دوسرا", "دوسرے", "دوسری"), 2),
    **dict.fromkeys(("تیسرا", "تیسرے", "تیسری"), 3),
    **dict.fromkeys(("چوتھا", "چوتھے", "چوتھی"), 4),
    **dict.fromkeys(("پانچواں", "پانچویں"), 5),
    **dict.fromkeys(("چھٹا", "چھٹے", "چھٹی"), 6),
    **dict.fromkeys(("آخری",), -1),
}

_TARGETS = TargetWords(
    trim_start=folded(
        r"(?:(?:میرا|میرے|میری|اپنا|اپنے|وہ|یہ|اس|ایک) |(?:کام|ٹاسک)\s*:?\s+(?!نمبر|\d))+"
    ),
    trim_end=folded(rf"(?:\s*[.,;:!?]+| (?:والا|والے|والی|کا|کے|کی|کو|نام کا|نام کے|{_TASK}))+$"),
    numbers=folded(
        r"(?:(?:کام|ٹاسک|نمبر|آئٹم|kaam|kam|task|number|no\.?) )*#? ?\d{1,4}(?:(?:\s*,\s*|\s+اور\s+)(?:(?:کام|ٹاسک|نمبر) )*\d{1,4})*(?: نمبر)?(?: والا| والے)?(?: کام| ٹاسک| کاموں)?(?: کو)?"
    ),
    ordinals={fold(word): number for word, number in _ORDINALS.items()},
    pronoun=folded(r"اسے|اس کو|اس|یہ|وہ|اس کام|یہ کام|وہ کام|یہ والا|وہ والا|اسی"),
    several=folded(r"انہیں|ان کو|ان|دونوں|دونوں کو|وہ سب|یہ سب|ان سب|ان سب کو"),
    everything=folded(
        rf"(?:میرے )?(?:سب|سارے|تمام|سبھی)(?: (?P<status>{_STATUS}))?(?: {_TASK}| کچھ)?(?: کو)?|(?P<status2>{_STATUS}) (?:کام|کاموں|ٹاسکس)(?: کو)?|پوری {_LIST}"
    ),
    completed=folded(_DONE),
    pending=folded(rf"{_OPEN}|{ROMAN_OPEN}"),
    none=folded(r"(?:کوئی نہیں|کوئی بھی نہیں|رہنے دو|رہنے دیں|نہیں|چھوڑو|چھوڑیں|کچھ نہیں)(?: .*)?"),
)

_ENDS = rf"{_ADD}|{_REMOVE}|{_FIND}|{_SHOW}|{_CHANGE}|{_REMIND}|(?:مکمل|پورا|پوری|ختم|نامکمل) {_DO}|ہو گیا|ہوگیا|ہو گئی|کر لیا|کر دیا|کر لی"
_GREETING = r"السلام علیکم|سلام|ہیلو|ہائے|آداب|شکریہ|بہت شکریہ|مہربانی"

URDU = Language(
    code="ur",
    script=folded(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]"),
    rules=talk(remarks.URDU) + _PLANS + _CHANGES + _READS + _ADDS + ROMAN,
    courtesy_start=folded(
        r"(?:[-*•]\s+|\d{1,2}[.)]\s+)?(?:(?:براہ کرم|براہ مہربانی|برائے مہربانی|مہربانی کر کے|مہربانی فرما کر|پلیز|ذرا|اور|پھر|اب|جی|کیا آپ|اچھا)(?![^\s,])[\s,]+)*"
    ),
    courtesy_end=folded(r"(?:[\s,]+(?:پلیز|شکریہ|جی|بھی)|\s+سکت[ےی] (?:ہیں|ہو))$"),
    separator=folded(
        r"\s*(?P<strong>;|\n)\s*|[.,!?]?\s+(?:اور پھر|اور|پھر|نیز|aur phir|aur|phir)\s+|(?<![.!?])[.!?]+\s+|,\s+"
    ),
    opens_clause=folded(rf"(?:{_GREETING}|میرا نام|میں نے)(?!\S)"),
    closes_clause=folded(rf"(?:.*\s)?(?:{_ENDS})(?: ہے| ہیں)?|(?:{_GREETING})|میرا نام \S+ ہے"),
    conjunction=folded(r"\s*,\s*(?:اور\s+)?|\s+(?:اور|aur)\s+"),
    title_notes=folded(r"(?P<title>.+?),? (?:اور )?نوٹ\s*:\s*(?P<notes>.+)"),
    title_due=folded(
        rf"(?P<title>.+?) (?P<due>{DATE} تک)|(?P<due2>{DATE}(?: تک)?) (?!(?:کا|کی|کے) )(?P<title2>.+)"
    ),
    targets=_TARGETS,
    phrases=URDU_PHRASES,
)
