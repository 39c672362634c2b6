# ruff: noqa: E501 - a pattern is read best on one line
"""Urdu in Latin letters, for what is asked most: add, list, complete, delete, plan, take back."""

import re

from sidestream.tasks.scripted.language import Kind, Rule, Spread

_TASK = r"(?:kaam|kam|task|tasks|kaamon|kamon)"
_DO = r"(?:karo|karein|karain|karen|kar ?do|kar ?dein|kar ?den|kardo|kar ?lo|kar ?diya|kijiye)"
_GIVE = r"(?:do|dein|den|lo)"
_ADD = rf"(?:(?:add|shamil|shaamil|darj|note) {_DO}|(?:bana|likh|daal|dal) {_GIVE}|banao|likho|daalo|dalo)"
_SHOW = r"(?:dikhao|dikhaen|dikhayen|dikha ?do|batao|bataen|bata ?do)"
ROMAN_OPEN = r"(?:baqi|baaqi|baki|adhoore|adhure)"
_DONE = r"(?:mukammal|complete|pura|poora|khatam|khatm|done)"
_REMOVE = rf"(?:(?:delete|hazf|khatam|cancel|remove) {_DO}|(?:mita|hata|nikal) {_GIVE}|mitao|hatao|nikalo)"
_LIST = r"(?:list|fehrist|fahrist)"


def _rule(kind: Kind, pattern: str, spread: Spread = Spread.NEVER) -> Rule:
    return Rule(kind, re.compile(pattern), spread=spread)


ROMAN = (
    _rule(Kind.UNDO, rf"(?:(?:ye|yeh|isay|isko|wo|woh) )?wapas {_DO}"),
    _rule(
        Kind.PLAN,
        rf"(?:mera |mere |aaj ka |apna )*(?:din|kaam)(?: ko| ka)? (?:plan|tarteeb|mansooba)(?: (?:dene|banane|karne)(?: mein| me)?)?(?: meri)?(?: madad)? (?:{_DO}|do|dein|banao|bana do)",
    ),
    _rule(
        Kind.LIST,
        rf"(?:mujhe )?(?:mere |meri |sab |saare |sare |tamam )*(?:(?P<status>{ROMAN_OPEN}|{_DONE}) )?(?:{_TASK}|{_LIST})(?: (?P<status2>{ROMAN_OPEN}|{_DONE}))? (?:{_SHOW}|kya hain|kya hai)",
    ),
    _rule(
        Kind.LIST,
        rf"(?:meri {_LIST} (?:mein|me|main) )?(?:mere )?(?:kya(?: kya)?|kon se|kaun se|kitne)(?: {_TASK})? (?P<status>{ROMAN_OPEN})(?: {_TASK})?(?: hai| hain)?",
    ),
    _rule(Kind.DELETE, rf"(?P<target>.+?)(?: (?:wala|wali|ko|ka))*(?: {_TASK})?(?: ko)? {_REMOVE}"),
    _rule(
        Kind.COMPLETE,
        rf"(?P<target>.+?)(?: (?:wala|wali|ko|ka))*(?: {_TASK})?(?: ko)? {_DONE} {_DO}",
    ),
    _rule(Kind.COMPLETE, r"(?P<target>.+?) (?:ho ?gaya|ho ?gayi|kar ?liya|kar ?li)(?: hai)?"),
    _rule(
        Kind.ADD,
        rf"(?:meri )?{_LIST} (?:mein|me|main) (?P<title>.+?)(?: ko)? {_ADD}",
        Spread.WORDS,
    ),
    _rule(
        Kind.ADD,
        rf"(?P<title>.+?)(?: ka {_TASK}| ko)?(?: (?:meri )?{_LIST} (?:mein|me|main))? {_ADD}",
        Spread.WORDS,
    ),
)
