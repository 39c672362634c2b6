"""What the model says, in each language; the keys are the same in both, a test sees to it."""

from collections.abc import Mapping

from sidestream.local.model import phrases

ENGLISH_PHRASES: Mapping[str, str] = {
    **phrases.ENGLISH,
    "hello": "Hello! I look after your task list. What shall we do?",
    "hello_name": "Hello, {name}! I look after your task list. What shall we do?",
    "bye": "Goodbye! Your tasks are safe with me.",
    "how_are_you": "I am fine, thank you. How can I help with your tasks?",
    "who": (
        "I am Sidestream’s scripted model: a small program that answers by rule "
        "when no OpenAI API key is set. "
        "I can manage your task list."
    ),
    "help": (
        "I can add, list, show, find, change, complete and delete tasks, by name or by number, "
        "several in one message. "
        "For example: “Add milk and mark the dentist as done”, “Show my pending tasks”, "
        "“Rename task 2 to Call mom”, "
        "“Delete all completed tasks”. I can also tell a story of 300 words."
    ),
    "unknown": (
        "I did not understand “{message}”. I can add, list, show, find, change, complete "
        "and delete tasks. "
        "Ask me what I can do to see examples."
    ),
    "added": "Added “{title}”.",
    "added_due": "Added “{title}”, due {due}.",
    "add_what": "What should the task be called?",
    "completed": "Marked “{title}” as complete.",
    "completed_already": "“{title}” is already complete.",
    "reopened": "Reopened “{title}”.",
    "reopened_already": "“{title}” is already open.",
    "deleted": "Deleted “{title}”.",
    "renamed": "Renamed “{title}” to “{new}”.",
    "updated_notes": "Updated the notes of “{title}”.",
    "updated_due": "“{title}” is now due {due}.",
    "bad_due": "I do not understand the date “{due}”. Try 2026-12-31, tomorrow, or Friday at 5pm.",
    "list_0": "You have no tasks.",
    "list_1": "You have 1 task:",
    "list_n": "You have {count} tasks:",
    "list_0_completed": "You have no completed tasks.",
    "list_1_completed": "You have 1 completed task:",
    "list_n_completed": "You have {count} completed tasks:",
    "list_0_pending": "You have no pending tasks.",
    "list_1_pending": "You have 1 pending task:",
    "list_n_pending": "You have {count} pending tasks:",
    "list_more": "There are more; ask me to find one by name.",
    "found_0": "I found no task matching “{query}”.",
    "found_1": "I found 1 task matching “{query}”:",
    "found_n": "I found {count} tasks matching “{query}”:",
    "due": "due {due}",
    "show": "“{title}” is {status}.",
    "show_done": "complete",
    "show_open": "not complete yet",
    "show_due": "It is due {due}.",
    "show_notes": "Notes: {notes}",
    "not_found": "I could not find a task matching “{query}”.",
    "no_number": "There is no task number {number}.",
    "nothing_to_do": "There is no task to do that with.",
    "which_it": "Which task do you mean?",
    "which_many": "{count} tasks match “{query}”:",
    "which_show": "Which one should I show?",
    "which_update": "Which one should I change?",
    "which_complete": "Which one should I mark as complete?",
    "which_reopen": "Which one should I reopen?",
    "which_delete": "Which one should I delete?",
    "which_also": "More than one task matches “{query}” too; please tell me its full title.",
    "failed_add": "I could not add “{title}”: {error}",
    "failed_list": "I could not read your tasks: {error}",
    "failed_show": "I could not show “{title}”: {error}",
    "failed_update": "I could not change “{title}”: {error}",
    "failed_complete": "I could not mark “{title}” as complete: {error}",
    "failed_reopen": "I could not reopen “{title}”: {error}",
    "failed_delete": "I could not delete “{title}”: {error}",
    "plan_0": "Nothing is left on your list: the day is yours. Tell me what to add.",
    "plan_1": "One thing is left, so the plan is short:",
    "plan_n": "{count} things are left. In this order the day would go well:",
    "plan_start": "Start with “{title}”, and tell me when it is done.",
    "overdue": "overdue since {due}",
    "today": "due today",
    "undo_nothing": "There is nothing that I could undo.",
    "undone_add": "Took “{title}” off the list again.",
    "undone_delete": "Put “{title}” back on the list.",
    "undone_update": "I no longer know how “{title}” was before; tell me what it should be.",
    "failed_undo": "I could not undo that for “{title}”: {error}",
    "no_tool": "I have not been given a tool for that.",
}

URDU_PHRASES: Mapping[str, str] = {
    **phrases.URDU,
    "hello": "السلام علیکم! میں آپ کے کاموں کی فہرست سنبھالتا ہوں۔ کیا کریں؟",
    "hello_name": "السلام علیکم {name}! میں آپ کے کاموں کی فہرست سنبھالتا ہوں۔ کیا کریں؟",
    "bye": "خدا حافظ! آپ کے کام محفوظ ہیں۔",
    "how_are_you": "میں ٹھیک ہوں، شکریہ۔ کاموں میں کیا مدد کروں؟",
    "who": (
        "میں Sidestream کا سکرپٹ شدہ ماڈل ہوں: ایک چھوٹا پروگرام جو "
        "OpenAI کی کلید نہ ہونے پر قاعدوں سے "
        "جواب دیتا ہے۔ "
        "میں آپ کے کام سنبھال سکتا ہوں۔"
    ),
    "help": (
        "میں نام یا نمبر سے کام شامل کر سکتا ہوں، دکھا سکتا ہوں، "
        "تلاش، تبدیل، مکمل اور حذف کر سکتا ہوں، ایک پیغام میں کئی بھی۔ "
        "مثلاً: «دودھ لانے کا کام شامل کرو»، «میرے کام دکھاؤ»، «گروسری والا کام مکمل کر دو»، "
        "«کام نمبر 2 حذف کرو»۔ "
        "میں 300 الفاظ کی کہانی بھی سنا سکتا ہوں۔"
    ),
    "unknown": (
        "میں “{message}” نہیں سمجھ سکا۔ میں کام شامل، تلاش، تبدیل، مکمل اور حذف "
        "کر سکتا ہوں اور فہرست دکھا سکتا ہوں۔ "
        "مثالوں کے لیے پوچھیں: آپ کیا کر سکتے ہیں؟"
    ),
    "added": "“{title}” شامل کر دیا۔",
    "added_due": "“{title}” شامل کر دیا، آخری وقت {due}۔",
    "add_what": "کام کا نام کیا رکھوں؟",
    "completed": "“{title}” مکمل کر دیا۔",
    "completed_already": "“{title}” پہلے ہی مکمل ہے۔",
    "reopened": "“{title}” دوبارہ کھول دیا۔",
    "reopened_already": "“{title}” ابھی مکمل نہیں ہوا تھا۔",
    "deleted": "“{title}” حذف کر دیا۔",
    "renamed": "“{title}” کا نام بدل کر “{new}” کر دیا۔",
    "updated_notes": "“{title}” کا نوٹ لکھ دیا۔",
    "updated_due": "“{title}” کا آخری وقت اب {due} ہے۔",
    "bad_due": "میں تاریخ “{due}” نہیں سمجھا۔ مثلاً 2026-12-31 یا کل لکھیں۔",
    "list_0": "آپ کا کوئی کام نہیں۔",
    "list_1": "آپ کا 1 کام ہے:",
    "list_n": "آپ کے {count} کام ہیں:",
    "list_0_completed": "آپ کا کوئی مکمل کام نہیں۔",
    "list_1_completed": "آپ کا 1 کام مکمل ہے:",
    "list_n_completed": "آپ کے {count} کام مکمل ہیں:",
    "list_0_pending": "آپ کا کوئی کام باقی نہیں۔",
    "list_1_pending": "آپ کا 1 کام باقی ہے:",
    "list_n_pending": "آپ کے {count} کام باقی ہیں:",
    "list_more": "اور بھی کام ہیں؛ نام سے تلاش کروا لیں۔",
    "found_0": "“{query}” سے ملتا کوئی کام نہیں ملا۔",
    "found_1": "“{query}” سے ملتا 1 کام ملا:",
    "found_n": "“{query}” سے ملتے {count} کام ملے:",
    "due": "آخری وقت {due}",
    "show": "“{title}” {status}۔",
    "show_done": "مکمل ہے",
    "show_open": "ابھی مکمل نہیں",
    "show_due": "آخری وقت {due}۔",
    "show_notes": "نوٹ: {notes}",
    "not_found": "“{query}” نام کا کوئی کام نہیں ملا۔",
    "no_number": "کام نمبر {number} موجود نہیں۔",
    "nothing_to_do": "ایسا کوئی کام نہیں جس پر یہ کروں۔",
    "which_it": "آپ کون سا کام کہہ رہے ہیں؟",
    "which_many": "“{query}” سے {count} کام ملتے ہیں:",
    "which_show": "کون سا دکھاؤں؟",
    "which_update": "کون سا تبدیل کروں؟",
    "which_complete": "کون سا مکمل کروں؟",
    "which_reopen": "کون سا دوبارہ کھولوں؟",
    "which_delete": "کون سا حذف کروں؟",
    "which_also": "“{query}” سے بھی ایک سے زیادہ کام ملتے ہیں؛ پورا نام بتا دیں۔",
    "failed_add": "“{title}” شامل نہیں ہو سکا: {error}",
    "failed_list": "کام پڑھے نہیں جا سکے: {error}",
    "failed_show": "“{title}” دکھایا نہیں جا سکا: {error}",
    "failed_update": "“{title}” تبدیل نہیں ہو سکا: {error}",
    "failed_complete": "“{title}” مکمل نہیں ہو سکا: {error}",
    "failed_reopen": "“{title}” دوبارہ نہیں کھل سکا: {error}",
    "failed_delete": "“{title}” حذف نہیں ہو سکا: {error}",
    "plan_0": "فہرست میں کچھ باقی نہیں: دن آپ کا ہے۔ بتائیں کیا شامل کروں۔",
    "plan_1": "صرف ایک کام باقی ہے، منصوبہ مختصر ہے:",
    "plan_n": "{count} کام باقی ہیں۔ دن اس ترتیب سے اچھا گزرے گا:",
    "plan_start": "“{title}” سے شروع کریں، اور ہو جائے تو مجھے بتائیں۔",
    "overdue": "{due} سے رکا ہوا",
    "today": "آج تک",
    "undo_nothing": "ایسا کچھ نہیں جو میں واپس کروں۔",
    "undone_add": "“{title}” فہرست سے واپس نکال دیا۔",
    "undone_delete": "“{title}” فہرست میں واپس رکھ دیا۔",
    "undone_update": "مجھے یاد نہیں کہ “{title}” پہلے کیسا تھا؛ بتائیں کیا کر دوں۔",
    "failed_undo": "“{title}” واپس نہیں ہو سکا: {error}",
    "no_tool": "اس کے لیے مجھے کوئی ٹول نہیں دیا گیا۔",
}
