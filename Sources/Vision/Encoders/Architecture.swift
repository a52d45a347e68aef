import Tensors

/// A CNN under torchvision's name: its layers, its classifier, its input.
public protocol Architecture: Sendable {
    /// "resnet50"
    var name: String { get }
    /// The preprocessing that the network was trained with.
    var preprocessing: Preprocessing { get }
    /// The (convolution, batch normalisation) pairs, for folding; empty if there are none.
    var normPairs: [(convolution: String, norm: String)] { get }
    /// The constant that batch normalisation adds to the variance.
    var epsilon: Float { get }
    /// Maps an image x `[N, H, W, 3]` to the last convolutional feature map `[N, u, v, K]`.
    ///
    /// Stages are named like the checkpoint's layers or blocks ("layer4.2", "features.28").
    /// - Parameter folded: whether batch normalisation is folded into the convolutions.
    func encoder(_ p: Parameters, folded: Bool) -> Encoder
    /// Maps the feature map `[N, u, v, K]`, of any u and v, to logits `[N, classes]`: pooling and linear layers, or a
    /// classifier of convolutions. It has no dropout.
    func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable
    /// The checkpoint's tensor whose first axis is the number of classes ("fc.weight", "classifier.6.weight").
    var classesKey: String { get }
    /// The name of the head's linear layer if the head is global average pooling followed by that layer only, so that
    /// CAM (Zhou et al. 2016) applies; else nil.
    var camLayer: String? { get }
    /// The checkpoint's modules that only training uses ("aux1"), without the head.
    var auxiliaryModules: [String] { get }
    /// The current name of the tensor that older checkpoints call `key`.
    func currentName(_ key: String) -> String
    /// The network whose tensors have the same names and shapes, and that is the usual one. A file fits both, so a hint
    /// at what a file may hold names only that one. Nil if there is none.
    var twin: String? { get }
    /// Whether the checkpoint's batch normalisation has scales (`weight`). If not, they are 1.
    var hasNormScales: Bool { get }
    /// The smallest height and width that the encoder and its head accept, in pixels.
    var smallestSide: Int { get }
}

extension Architecture {
    public var auxiliaryModules: [String] { [] }
    public var smallestSide: Int { 1 }
    public var twin: String? { nil }
    public var hasNormScales: Bool { true }
    public func currentName(_ key: String) -> String { key }

    /// The checkpoint with current names. If it has a tensor under both its old and its current name, the current one
    /// is used. Scales of batch normalisation that this network's checkpoints do not have are added.
    public func renamed(_ checkpoint: [String: Tensor]) -> [String: Tensor] {
        var result = checkpoint
        for (key, tensor) in checkpoint {
            let name = currentName(key)
            if name != key && checkpoint[name] == nil {
                result[key] = nil
                result[name] = tensor
            }
        }
        if !hasNormScales {
            for (_, norm) in normPairs where result["\(norm).weight"] == nil {
                guard let bias = result["\(norm).bias"] else { continue }
                result["\(norm).weight"] = Tensor(bias.shape, [Float](repeating: 1, count: bias.count))
            }
        }
        return result
    }

    /// The checkpoint's module that holds the head ("fc", "classifier").
    public var headModule: String { String(classesKey.prefix { $0 != "." }) }

    /// The encoder's tensors of a checkpoint: without the head, the modules that only training uses, and batch
    /// counters.
    public func encoderTensors(_ checkpoint: [String: Tensor]) -> [String: Tensor] {
        let others = [headModule] + auxiliaryModules
        return checkpoint.filter { name, _ in
            !name.hasSuffix("num_batches_tracked") && !others.contains { name.hasPrefix("\($0).") }
        }
    }
}

extension Preprocessing {
    /// torchvision's `ImageClassification` transform: an antialiased resize of the shorter side, a centre crop, and
    /// ImageNet's mean and standard deviation.
    /// - Parameter shortSide, size: in pixels.
    public static func imageNet(shortSide: Int = 256, size: Int = 224) -> Preprocessing {
        Preprocessing(
            width: size, height: size, fit: .crop, resizeShortSide: shortSide, filter: .bilinear,
            mean: [0.485 * 255, 0.456 * 255, 0.406 * 255], std: [0.229 * 255, 0.224 * 255, 0.225 * 255])
    }
}

/// Global average pooling and the linear layer `name`: `[N, u, v, K] -> [N, classes]`.
func pooledLinear(_ p: Parameters, _ name: String, channels: Int, classes: Int) -> (Variable) -> Variable {
    let layer = Linear(p[name], inputs: channels, outputs: classes)
    return { layer(globalAveragePool($0)) }
}
