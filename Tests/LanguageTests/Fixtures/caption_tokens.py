"""Difficult sentences and their tokens: caption_tokens.json, read by CaptionTokenizerTests.

Stanford's PTBTokenizer 3.4.1 as pycocoevalcap 1.2 calls it (with Java 17.0.15), its punctuation dropped.
The sentences are this project's own.

    python caption_tokens.py
"""

import json
from pathlib import Path

from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

SENTENCES = """
The dog's ball isn't the dogs' ball.
I can't, won't, don't and cannot; she's gonna, he's gotta, they wanna.
Lemme see, gimme that!
CAN'T WON'T DON'T 'tis 'twas more'n 'Tis
gonna. wanna! whaddya wanna-be whatcha cannot-do
I'm here, you're there, they've gone, he'll come, she'd know, it's late.
o'clock O'Neil d'artagnan rock'n'roll rock 'n' roll y'all ma'am c'mon ol' qu'est
the '90s, the 80's, the 1950s and 1950's, in '98
It costs $5.50, or 5%, for team #3
black & white, R&B, AT&T and M&M's
3,000 people 1.5 meters 12:30 4x4 1/2 and 3/4 1-2 -5 +3 3rd 21st .22 10.30
50/50 24/7 9/11/2001 2010-05-05 555-1234
Mr. Smith Jr. and Mrs. Jones of St. Louis etc. at 5 a.m. and 6 p.m.
No. 5 and no. 5, but no. And no.
a U.S. flag in the U.S.A., J. K. Rowling, Ph.D., a u.k.-based band
T-shirt t-shirt black-and-white well--lit well -- lit mid-air- -start
"quoted" 'single' `back` ``tick''
“curly” ‘single’ it’s don’t
em—dash en–dash — –
hello...world ... . . . wait…
me@x.com http://www.x.com/a?b=c www.google.com statefarm.com.
café naïve CAFÉ Straße 日本語
and/or red/blue w/ w/o
end. end.. end... end? end!
a man.a dog a man,a dog a man;b
* ^ ~ | / + = @ % # &
@user #tag #1 #hashtag
word's' 's ' '' '
James' hat, James's hat, the kid's-sized men's-room
doesn 't it 's dog 's do n't shouldn't've i'd've
5'10" tall, 6' 10" wide
't 'em 'cause 'bout goin' doin'
10th-grade 18-wheeler three-year-old mid-90s mid-90's
c++ c# f# a*b a=b a+b
the dog sat. he ran in oct.
Mt. Everest, Ft. Worth, two feet. in. oz. lb.
two dogs run , one after the other ;
""".strip().split("\n")

if __name__ == "__main__":
    gts = {i: [{"caption": s}] for i, s in enumerate(SENTENCES)}
    tokens = PTBTokenizer().tokenize(gts)
    rows = [{"text": s, "tokens": tokens[i][0].split()} for i, s in enumerate(SENTENCES)]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    Path(__file__).with_suffix(".json").write_text("[\n" + lines + "\n]\n", encoding="utf-8")
