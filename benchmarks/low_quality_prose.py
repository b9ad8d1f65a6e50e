# ruff: noqa: E501
"""What stands above and below the tables of `low_quality_page.py`, written after looking at them."""

BEFORE = """# Poor pictures: what limits the heart rate, and what helps

Made people of this study alone (seeds from 9 700 000), whom no network and no model of quality was trained on. Two
things were decided after looking at the first 24 of them, and could flatter the figures: that enhanced colours are
asked second and not alone, and the share of bits below which a film is not asked twice (0.15). Tones 1 to 6 in turn, half still and half lightly swaying, daylight and lamp, 45 to 160 bpm; 24 s each at 20 pictures a second and
256×192 px, on which a face is 56 to 67 px wide. Intervals are 95 %, by bootstrap over people; differences are paired
by person. `face-N` is what `camvitals evaluate --degrade` does: the picture down by area until the face is so wide and
back up linearly, both in 8 bits, no codec. `crf-N` is H.264 at 4:2:0; *fine colour* the same at 4:4:4; *filmed small*
a picture that is really so small, coded at CRF 18. Mean bit rates: crf-30 12, crf-36 8.3, fine colour 8.5, filmed
small 25 kbit/s.

Counted are sliding windows of 10 s, 15 a person. *Right* is within 5 bpm, of all windows, so that a withheld one is
not right; *charged* takes for a withheld window the error of the mean of the other people. *Never withheld* is the rate that `auto`
finds whatever it thinks of it; *bits not counted* leaves out the rule that films of few bits are doubted; *skin alone*
is the mean of the whole face without regions; *bare* is a method's spectral peak. *crops-alone* takes the enhancer's
way, aligned crops of 64 px, without a network: what it gains is not the network's.

```
python benchmarks/low_quality.py FOLDER
python benchmarks/low_quality.py FOLDER --levels face-16 crf-24 crf-36 --people 48
python benchmarks/low_quality.py FOLDER --levels face-16 crf-24 crf-36 --people 48 \\
    --enhance enhancer-small-64
python benchmarks/low_quality_page.py FOLDER > results/low_quality/README.md
```

## The question

*At 16-px faces or CRF 36: does `auto` with enhancement beat `auto` without?* **Yes at 16 px, and at CRF 24; not at CRF 36.**
The enhancer is `enhancer-small-64`, version a1930274ab5f, which comes with the package: a second look where the colours as
recorded cannot be trusted ([enhancing](../../docs/enhancing.md)). 48 people at each of the three levels.

**At 16 px** 8.5 points more of the windows are right [2.2 to 16.4]: 89 % instead of 81 %. 0.4 points more are wrong
[0.0 to 1.3], and charged errors fall by 2.3 bpm [0.2 to 4.8]. On the first 24 people, who were looked at before the second
look was thought of, it is 10.6 points [0.0 to 23.3]; on the other 24, 6.4 [0.3 to 16.1]. Enhanced colours *alone* gain
6.7 [−0.6 to +15.0]: they lose some windows that were right. A face brought
down by area keeps its mean colour, so that what is to be won lies in the few people who are withheld.

**At CRF 24** `auto` answers next to nothing (4 % right, as its bits are doubted); with the enhancer 22 % are right [12 to 34],
18.1 points more [8.3 to 28.5], and 0.8 points more wrong [0.0 to 2.4]; on the 24 people who were not looked at before, 10.6
[0.0 to 23.1]. That it helps most there is what its training said.

**At CRF 36 there is nothing left to enhance.** `auto` answers no window, and films of so few bits are not asked twice:
enhanced colours *alone* gave one of 48 people a wrong rate and nobody a right one, which is why. Made to answer,
`auto` is right in 10 % [4 to 18] of them without and 12 % [5 to 19] with; guessing the mean of the other people, without a
look at the film, in 13 % [4 to 23]. Neither leaving out the doubt about few bits (1 % answered, none right) nor colour at
full detail (12 % [4 to 21] if made to answer) changes that, nor does twice the time.

**What beats both.** At 16 px nothing else that was tried; what `auto` lives on there is time (from 24 s the same windows are
right 7.3 points more often than from 12 s [1.7 to 14.2]) and regions besides the whole skin (5.0 points [0.8 to 10.6]). Against CRF 36, a film without the codec, however few its
pixels: the same faces at 16 px are right 80.6 points more often [69.7 to 90.1]. Pixels can be spared, bits cannot.
"""
AFTER = """
## What was done about it

* **Faces of 8 px were not found.** The detector saw them, the landmark network did not, so nothing was measured. Such
  faces are now followed by their box (`face/coarse.py`): right in 50 % of the windows (*now*; *boxes* as soon as it was
  done) instead of 21 % (`auto` and all other rows of that table, from before), a difference of 28.9 points [12.8 to 45.8]. Faces with more detail are no candidates for it. An enhancer could not have done that: it is given
  crops of a face that was found.
* **Regions of a few pixels were believed.** Filmed small, `auto` was right in 4 % of the windows and wrong in 7 %; one
  swaying person had 54 to 60 bpm, near twice the rate of the sway, at a quality of 0.9 in place of 120. It came from a
  region of fewer than eight nodes of the lattice: *skin alone* answers none of it. Regions now need eight nodes (32 px),
  also in enhanced crops, which can be larger than what there is to see: of the same 24 people nobody is answered now,
  rightly or wrongly.

## What remains

The people are made, and their films are cleaner and smoother than a room: they take few bits, and CRF 30 and 36 leave
8 to 12 kbit/s. A noisy camera at the same CRF takes more bits and may keep more. Twelve people were seen by
crops-alone; other levels by as many as their tables say. The limit of bits for a second look was set on these films. Longer recordings than 24 s, and real ones, are not here.
"""
