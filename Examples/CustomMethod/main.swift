// custom-method PHOTO WORD [MODEL]: a method of your own beside Grad-CAM.
import Explain
import Foundation
import Tasks
import Tensors
import Vision

/// The length of the gradient at each cell of the layer: sqrt(sum over k of (dy / dA_kij)^2). It says how much a cell
/// matters, whichever way, and does not look at A.
struct GradientLength: LayerGradientMethod {
    let name = "gradient-length"
    let summary = "the length of the score's gradient at each cell"
    let paper = "after Simonyan et al. 2013, arXiv 1312.6034"

    static func maps(activations: Tensor, gradients: Tensor) -> Tensor {
        let shape = [gradients.shape[0]] + activations.shape[1...2], channels = activations.shape[3]
        let g = gradients.array
        let lengths = (0..<shape.reduce(1, *)).map { cell in
            g[cell * channels..<(cell + 1) * channels].reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        return Tensor(shape, lengths)
    }
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { exit(64) }
let model = arguments.count > 3 ? arguments[3] : ModelFolder.defaultCaptioner
let captioner = try Captioner.load(ModelFolder.find(model))
let options = ExplanationOptions(methods: [GradCAM(), GradientLength()])
let explainer = try Explainer(captioner, options: options)
let photo = try Image.read(URL(fileURLWithPath: arguments[1]))
let image = explainer.encode(captioner.configuration.preprocessing.prepare(photo).tensor)
let explanation = try explainer.explain(image, input: explainer.caption(image), targets: [.word(arguments[2])])
for attribution in explanation.attributions {
    let largest = attribution.map.array.max() ?? 0
    print("\(attribution.method): \(attribution.map.shape[0])x\(attribution.map.shape[1]) cells, largest \(largest)")
}
