#!/usr/bin/env bash
# Draws the images of README.md and docs/gallery.md again. `make pictures` calls it:
#
#     docs/pictures.sh MMX PYTHON PHOTOS
#
# MMX is the binary, PYTHON has Pillow, PHOTOS is the folder of the photographs. The commands are those of the gallery.
# mmx writes PNG files; docs/pictures.py makes smaller JPEG files of them, so that the repository stays small.
set -euo pipefail

mmx_binary=$(realpath "$1")
python=$(realpath -s "$2")
photos=$3
docs=$(realpath "$(dirname "$0")")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

mmx() { "$mmx_binary" "$@" --output "$out" > /dev/null; }

# keep NAME FILE [WIDTH]: the file of the last command as docs/images/NAME.jpg, at most WIDTH pixels wide.
keep() {
    "$python" "$docs/pictures.py" "$out/$2" "$docs/images/$1.jpg" "${3:-1200}"
    rm -f "$out"/*
}

mkdir -p "$docs/images"
cd "$photos"

mmx caption camera.png --explain-all
keep caption-words camera-words.png

mmx caption camera.png --explain-word camera --boxes
keep box camera-10-camera-overlay.png

mmx caption astronaut.png --caption "a woman in an orange uniform smiles in front of a flag" \
    --explain-word woman --explain-word orange --explain-word uniform --explain-word flag --sheet
keep own-caption astronaut-sheet.png

mmx caption camera.png --explain-word man --explain-word shirt --explain-word camera --explain-word in \
    --method centred-grad-cam --method grad-cam --method layercam --method attention \
    --method guided-grad-cam --method occlusion --sheet
keep methods camera-sheet.png 1000

mmx caption camera.png --explain-word man --explain-word shirt --explain-word camera \
    --score log-probability --method grad-cam --smooth 1 --scale each --sheet
keep paper camera-sheet.png 1000

mmx caption camera.png --contrast man woman
keep contrast-words camera-02-man_rather_than_woman-overlay.png

mmx classify coffee.png --contrast espresso cup
keep contrast-classes coffee-class-967-968-espresso_rather_than_cup-overlay.png

mmx vqa camera.png "what color is the jacket?"
keep answer-jacket camera-01-black-overlay.png

mmx vqa camera.png "what is the man holding?"
keep answer-holding camera-01-camera-overlay.png

mmx classify chelsea.png --explain
keep class chelsea-class-285-Egyptian_cat-overlay.png

mmx caption rocket.jpg --explain-all
keep wrong-caption rocket-words.png

mmx vqa camera.png "is he wearing a hat?" --answer yes --answer no --sheet
keep wrong-answer camera-01-sheet.png 900
