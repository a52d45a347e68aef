#!/bin/sh
# docs/docc.sh BUILD OUTPUT (make docs): the DocC pages of all library modules, as one web site in OUTPUT.
#
# The symbols come out of the modules in BUILD (.build/release), so nothing is compiled for the pages. Explain has a
# catalogue, Sources/Explain/Explain.docc. In the modules that STRICT names a warning is an error; of the others only
# errors are told. To see the warnings of one: STRICT=Tasks MODULES=Tasks make docs.
set -eu
BUILD=$1 OUTPUT=$2
STRICT=${STRICT:-"Support Explain"}
MODULES=${MODULES:-"Support Tensors Weights Vision Language Tasks Questions Drawing Explain Evaluation"}

info=$(swift -print-target-info)
tools=$(echo "$info" | sed -n 's|.*"runtimeResourcePath": *"\(.*\)/lib/swift".*|\1/bin|p')
target=$(echo "$info" | sed -n 's/.*"triple": *"\([^"]*\)".*/\1/p')
work=$OUTPUT.parts
rm -rf "$work" "$OUTPUT"
mkdir -p "$work"
# Maps of the C modules: CBLAS and CCrypto have their own, SwiftPM made the others.
maps=$(find Sources/CBLAS Sources/CCrypto "$BUILD"/C*.build -name module.modulemap | sed 's/^/-Xcc -fmodule-map-file=/')

for module in $MODULES; do
    symbols=$work/$module.symbols archive=$work/$module.doccarchive
    mkdir "$symbols"
    # shellcheck disable=SC2086
    "$tools/swift-symbolgraph-extract" -module-name "$module" -I "$BUILD/Modules" -target "$target" $maps \
        -minimum-access-level public -emit-extension-block-symbols -output-dir "$symbols"
    catalogue=Sources/$module/$module.docc
    [ -d "$catalogue" ] || catalogue=
    case " $STRICT " in *" $module "*) level=--warnings-as-errors ;; *) level="--diagnostic-level error" ;; esac
    # shellcheck disable=SC2086
    "$tools/docc" convert $catalogue $level --additional-symbol-graph-dir "$symbols" \
        --fallback-display-name "$module" --fallback-bundle-identifier "mmx.$module" --output-dir "$archive"
done
# shellcheck disable=SC2046
"$tools/docc" merge $(for module in $MODULES; do echo "$work/$module.doccarchive"; done) \
    --synthesized-landing-page-name mmx --output-path "$OUTPUT"
rm -rf "$work"
echo "$OUTPUT: the pages of $MODULES"
echo "To read them: python3 -m http.server --directory $OUTPUT, then http://localhost:8000/documentation"
