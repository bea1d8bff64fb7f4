"""Every word a resident or an official reads, in nine languages, and the rules those words keep.

locale/<lang>/*.po ─▶ catalogue (text by key) ─▶ terms (the Japanese word beside) ─┬▶ orders   仙台市の発令
                                                                                   ├▶ advice   私たちの案内 ─▶ payload
errors.py ─▶ error_texts                                                           ├▶ checks   受信テスト・受信確認
                                                                                   ├▶ reminders  続いています（音なし）
                                                                                   └▶ pages (t(key))
letters: the bytes of payload for many people at once, from pages kept.
wording: one table of rules; every catalogue and every rendered text passes it.   marks: 【訓練】 first and last
"""
