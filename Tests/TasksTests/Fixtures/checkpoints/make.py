"""Writes the fixtures of this folder; README.md says what each is.

    /tmp/t/bin/python make.py              all families
    python make.py yunjey sgrvinod ...     some

Made with torch 2.15.0, torchvision 0.29.2, numpy 2.4.6 on Python 3.11.7, CPU. Nothing is random. The modules are our
own; only the names of modules, classes and attributes are those of the repositories, because they are what the files
hold.
"""
import sys

import attend_and_tell
import self_critical
import show_and_tell
import vqa

FAMILIES = {
    "yunjey": show_and_tell.yunjey, "udacity": show_and_tell.udacity,
    "aladdinpersson": show_and_tell.aladdinpersson, "sgrvinod": attend_and_tell.sgrvinod,
    "pytorch-vqa": vqa.pytorch_vqa, "basic_vqa": vqa.basic_vqa, "ruotianluo": self_critical.ruotianluo,
}

for name in sys.argv[1:] or FAMILIES:
    FAMILIES[name]()
