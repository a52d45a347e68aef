// explain-own-network: a network of your own, a target of your own, three methods.
import Explain
import Tasks
import Tensors
import Vision

// The network: a 3x3 convolution whose two channels see red and blue, global average pooling, one linear layer.
let red: [Float] = [1, -1, -1], blue: [Float] = [-1, -1, 1]
let taps = 9
let weight = Tensor([2, 3, 3, 3], [red, blue].flatMap { colour in (0..<taps).flatMap { _ in colour } })
let encoder = Encoder(stages: [
    .init(name: "colours", channels: 2, stride: 4) {
        convolution($0, Variable(weight), nil, ConvolutionGeometry(3, stride: 4, padding: .all(1)), activation: .relu)
    }
])
let classes = Variable(Tensor([2, 2], [1, 0, 0, 1]))
let head = ModelHead(name: "colours", isPooledLinear: true) { linear(globalAveragePool($0), classes) }

// The image: grey, with a red square in the upper left and a blue one in the lower right.
let preprocessing = Preprocessing(
    width: 32, height: 32, fit: .squash, filter: .bilinear, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])
var photo = Image(width: 32, height: 32, color: (128, 128, 128))
for (corner, colour) in [(4, [240, 20, 20]), (20, [40, 40, 200])] as [(Int, [UInt8])] {
    for y in corner..<corner + 8 {
        for x in corner..<corner + 8 {
            photo.pixels.replaceSubrange((y * 32 + x) * 3..<(y * 32 + x) * 3 + 3, with: colour)
        }
    }
}

// The target: why red rather than blue. Any weighted sum of the head's outputs is a target.
let target = LinearTarget(output: 0, against: 1)
let methods: [any ExplanationMethod] = [GradCAM(), CAM(), Occlusion(window: 8, stride: 4)]
let image = try EncodedImage(
    preprocessing.prepare(photo).tensor, by: ModelEncoder("colours", encoder, preprocessing: preprocessing))
let context = AttributionContext(image, head: head, targets: [target])
print("red rather than blue: \(context.values[0])")
for method in methods {
    let map = try method.maps(of: context).row(0), values = map.array
    let largest = values.indices.max { values[$0] < values[$1] } ?? 0
    let (row, column) = (largest / map.shape[1], largest % map.shape[1])
    print("\(method.name): largest at row \(row), column \(column) of \(map.shape[0])x\(map.shape[1])")
}
