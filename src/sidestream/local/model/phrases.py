"""What the model says to anybody, in each language; a test sees that the keys are the same.

A domain's grammar has phrases of its own, and may say these in other words.
"""

from collections.abc import Mapping
from typing import Final

ENGLISH: Final[Mapping[str, str]] = {
    "hello": "Hello! What can I do for you?",
    "hello_name": "Hello, {name}! What can I do for you?",
    "bye": "Goodbye!",
    "how_are_you": "I am fine, thank you. How can I help?",
    "who": (
        "I am Sidestream’s scripted model: a small program that answers by rule "
        "when no OpenAI API key is set."
    ),
    "help": (
        'I answer by rule. A line of its own such as `!name {{"key": "value"}}` calls a tool; '
        "several lines are one step, a line `--` begins the next, and words after them are the "
        "answer. The tools are: {tools}. I can also tell a story of 300 words, or show some "
        "Markdown."
    ),
    "unknown": (
        "I did not understand “{message}”. I am a scripted model and answer by rule; "
        "ask me what I can do."
    ),
    "no_tools": "none",
    "no_such_tool": "There is no tool “{name}” here. The tools are: {tools}.",
    "bad_call": 'What follows “!{name}” has to be a JSON object, such as {{"key": "value"}}.',
    "done": "Done.",
    "file_text": (
        "I have “{name}”: {lines} lines, the first of them is “{first}”. I am a scripted model and "
        "answer by rule, so I can say no more about it; a real model can."
    ),
    "file_line": (
        "I have “{name}”: one line, “{first}”. I am a scripted model and answer by rule, so I can "
        "say no more about it; a real model can."
    ),
    "file_empty": "I have “{name}”, and there are no words in it.",
    "file_lost": "“{name}” cannot be read any more.",
    "image": (
        "I have the picture, but I am a scripted model and cannot see; a real model can tell you "
        "what is in it."
    ),
    "images": (
        "I have the {count} pictures, but I am a scripted model and cannot see; a real model can "
        "tell you what is in them."
    ),
    "markdown": (
        "## Markdown\n\n"
        "Some words are **bold**, some *slanted*, some ~~struck out~~, and some are `code`.\n\n"
        "1. First\n2. Second\n   - and a part of it\n\n"
        "| fruit | price |\n|---|---:|\n| apple | 3 |\n| mango | 12 |\n\n"
        "> Somebody said so.\n\n"
        '```python\nprint("hello")\n```\n\n'
        "And [a link](https://example.com)."
    ),
    "thanks": "You are welcome!",
    "all_right": "All right.",
    "tell_name": "Nice to meet you, {name}!",
    "ask_name": "Your name is {name}.",
    "ask_name_unknown": "You have not told me your name yet.",
    "ask_first": "Your first message was: “{message}”",
    "ask_last": "You just said: “{message}”",
    "ask_said": "I said: “{message}”",
    "ask_nothing": "This is the first message of our conversation.",
    "left_alone": "All right, I have left them as they are.",
}

URDU: Final[Mapping[str, str]] = {
    "hello": "السلام علیکم! میں آپ کے لیے کیا کر سکتا ہوں؟",
    "hello_name": "السلام علیکم {name}! میں آپ کے لیے کیا کر سکتا ہوں؟",
    "bye": "خدا حافظ!",
    "how_are_you": "میں ٹھیک ہوں، شکریہ۔ کیا مدد کروں؟",
    "who": (
        "میں Sidestream کا سکرپٹ شدہ ماڈل ہوں: ایک چھوٹا پروگرام جو "
        "OpenAI کی کلید نہ ہونے پر قاعدوں سے جواب دیتا ہے۔"
    ),
    "help": (
        'میں قاعدوں سے جواب دیتا ہوں۔ `!name {{"key": "value"}}` جیسی الگ سطر ایک ٹول چلاتی ہے؛ '
        "کئی سطریں ایک قدم ہیں، `--` کی سطر سے اگلا قدم شروع ہوتا ہے، "
        "اور ان کے بعد کے الفاظ جواب ہیں۔ "
        "ٹول یہ ہیں: {tools}۔ میں 300 الفاظ کی کہانی سنا سکتا ہوں اور مارک ڈاؤن بھی دکھا سکتا ہوں۔"
    ),
    "unknown": (
        "میں “{message}” نہیں سمجھ سکا۔ میں سکرپٹ شدہ ماڈل ہوں اور قاعدوں سے جواب دیتا ہوں؛ "
        "پوچھیں: آپ کیا کر سکتے ہیں؟"
    ),
    "no_tools": "کوئی نہیں",
    "no_such_tool": "یہاں “{name}” نام کا کوئی ٹول نہیں۔ ٹول یہ ہیں: {tools}۔",
    "bad_call": '“!{name}” کے بعد JSON آبجیکٹ ہونا چاہیے، جیسے {{"key": "value"}}۔',
    "done": "ہو گیا۔",
    "file_text": (
        "مجھے “{name}” مل گئی: اس میں {lines} سطریں ہیں، پہلی یہ ہے: “{first}”۔ "
        "میں سکرپٹ شدہ ماڈل ہوں اور قاعدوں سے جواب دیتا ہوں، اس لیے اس کے بارے میں "
        "اور کچھ نہیں بتا سکتا؛ اصل ماڈل بتا سکتا ہے۔"
    ),
    "file_line": (
        "مجھے “{name}” مل گئی: اس میں ایک سطر ہے، “{first}”۔ میں سکرپٹ شدہ ماڈل ہوں اور قاعدوں سے "
        "جواب دیتا ہوں، اس لیے اس کے بارے میں اور کچھ نہیں بتا سکتا؛ اصل ماڈل بتا سکتا ہے۔"
    ),
    "file_empty": "مجھے “{name}” مل گئی، مگر اس میں کوئی الفاظ نہیں۔",
    "file_lost": "“{name}” اب پڑھی نہیں جا سکتی۔",
    "image": (
        "تصویر مل گئی، مگر میں سکرپٹ شدہ ماڈل ہوں اور دیکھ نہیں سکتا؛ "
        "اصل ماڈل بتا سکتا ہے کہ اس میں کیا ہے۔"
    ),
    "images": (
        "{count} تصویریں مل گئیں، مگر میں سکرپٹ شدہ ماڈل ہوں اور دیکھ نہیں سکتا؛ "
        "اصل ماڈل بتا سکتا ہے کہ ان میں کیا ہے۔"
    ),
    "markdown": (
        "## مارک ڈاؤن\n\n"
        "کچھ الفاظ **موٹے** ہیں، کچھ *ترچھے*، کچھ ~~کٹے ہوئے~~، اور کچھ `code`۔\n\n"
        "1. پہلا\n2. دوسرا\n   - اور اس کا ایک حصہ\n\n"
        "| پھل | قیمت |\n|---|---:|\n| سیب | 3 |\n| آم | 12 |\n\n"
        "> کسی نے یہ کہا تھا۔\n\n"
        '```python\nprint("سلام")\n```\n\n'
        "اور [ایک لنک](https://example.com)۔"
    ),
    "thanks": "خوش آمدید! کوئی بات نہیں۔",
    "all_right": "ٹھیک ہے۔",
    "tell_name": "آپ سے مل کر خوشی ہوئی، {name}!",
    "ask_name": "آپ کا نام {name} ہے۔",
    "ask_name_unknown": "آپ نے ابھی تک اپنا نام نہیں بتایا۔",
    "ask_first": "آپ کا پہلا پیغام یہ تھا: “{message}”",
    "ask_last": "آپ نے ابھی کہا: “{message}”",
    "ask_said": "میں نے کہا: “{message}”",
    "ask_nothing": "یہ ہماری گفتگو کا پہلا پیغام ہے۔",
    "left_alone": "ٹھیک ہے، میں نے انہیں ویسے ہی رہنے دیا۔",
}
