"""One decision, every channel: what an order or a notice says on each way out beside the push. Pure.

    AlertRecord (the released version) ─┬─ cap.py          a CAP 1.2 message, one info per language
      + settings, figures, `now`        ├─ cap_atom.py     the Atom feed of these messages
                                        ├─ area_mail.py    緊急速報メール
                                        ├─ loudspeaker.py  防災行政無線
                                        ├─ press.py        press and SNS
                                        ├─ governor.py     the report to the governor (60条4項)
                                        └─ lalert.py       a file in the shape of L-Alert

Nothing is typed a second time: every channel says what was approved, with the area that was approved.
"""
