// explain-caption PHOTO WORD [MODEL]: captions a photograph and draws where one word came from.
import Drawing
import Explain
import Foundation
import Tasks
import Vision

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { exit(64) }
let model = arguments.count > 3 ? arguments[3] : ModelFolder.defaultCaptioner
let captioner = try Captioner.load(ModelFolder.find(model))
let photo = try Image.read(URL(fileURLWithPath: arguments[1]))

// The encoder runs once; then the decoder writes a caption; then the word's score goes back into the feature map.
let explainer = try Explainer(captioner)
let prepared = captioner.configuration.preprocessing.prepare(photo)
let image = explainer.encode(prepared.tensor)
let explanation = try explainer.explain(
    image, input: explainer.caption(image), targets: [.word(arguments[2])])
print(sentence(explanation.output.words))

// A map is raw and signed; how it is smoothed, normalised and coloured is decided here.
let preparation = MapPreparation(smoothing: nil, own: captioner.configuration.maps?.smoothing)
let drawing = MapDrawing(photo: photo, placement: prepared.placement, style: DrawingStyle(hasLegend: true))
for attribution in explanation.attributions {
    let map = preparation(attribution.map, isOfPixels: attribution.support.isPixels)
    try drawing.overlay(of: map, name: arguments[2]).write(to: URL(fileURLWithPath: "overlay.png"))
    print("\(attribution.method) over \(attribution.support): overlay.png")
}
