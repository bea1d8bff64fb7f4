"""The drill's marks: 【訓練】 first, 「これは訓練です」 last, in every language, on the drill side only."""

from bosai.messages.catalogue import text
from bosai.messages.wording import DRILL_END, DRILL_START
from bosai.model.realm import Realm


def marked_start(words: str, realm: Realm, lang: str) -> str:
    """`words` opened by 【訓練】 and the word for it in `lang`, on the drill side."""
    if not realm.is_drill:
        return words
    own = text("terms.drill", lang)
    return f"{DRILL_START}{words}" if own == "訓練" else f"{DRILL_START}{own}: {words}"


def marked_end(words: str, realm: Realm, lang: str, *, between: str = "\n") -> str:
    """`words` closed by the sentence "this is a drill", on the drill side."""
    if not realm.is_drill:
        return words
    own = text("terms.drill_end", lang)
    return f"{words}{between}{DRILL_END}" if own == DRILL_END else f"{words}{between}{own} {DRILL_END}"


def marked(words: str, realm: Realm, lang: str) -> str:
    """Both marks round one text."""
    return marked_end(marked_start(words, realm, lang), realm, lang)
