import Foundation
import Tensors
import Vision
import Weights

/// The tensors of a CNN's file under the names and in the layouts of torchvision, where the file is another program's:
/// Keras's VGG and Inception-v3, and Caffe's VGG. Files of other programs stay as they are.
struct EncoderNames {
    var tensors: [String: Tensor]
    /// The architectures that the file's program means, before others of the same names and shapes.
    var preferred: [String] = []
    /// How pixels are scaled for these weights; nil for the architecture's own.
    var preprocessing: Preprocessing?

    /// - Throws: ``FamilyProblem`` for networks of Keras that mmx does not have; ``ImportError``.
    init(_ file: ImportedFile) throws {
        tensors = file.contents.tensors
        switch file.contents.format {
        case .keras: try renameKeras()
        case .caffe:
            guard let name = Self.vgg(convolutions: tensors.keys.count { Self.isCaffe($0) }) else { return }
            let architecture = try Architectures.named(name)
            let named = try NamedCheckpoint(WeightsFile(file.url), as: architecture, path: file.url.path)
            (tensors, preferred, preprocessing) = (named.tensors, [name], named.preprocessing)
        default: break
        }
    }

    /// For tests.
    init(keras tensors: [String: Tensor]) throws {
        self.tensors = tensors
        try renameKeras()
    }

    private static func isCaffe(_ name: String) -> Bool { name.hasPrefix("conv") && name.hasSuffix(".weight") }

    private static func vgg(convolutions: Int) -> String? {
        switch convolutions {
        case 13: "vgg16"
        case 16: "vgg19"
        default: nil
        }
    }

    // MARK: Keras

    /// The layers with a kernel, whose names are a text and a number: "conv2d_12", in the numbers' order.
    private func numbered(_ base: String, _ weight: String) -> [String] {
        tensors.keys.filter { $0.hasSuffix(".\(weight)") }.map { String($0.dropLast(weight.count + 1)) }
            .compactMap { name -> (name: String, number: Int)? in
                if name == base { return (name, 0) }
                guard name.hasPrefix(base + "_"), let number = Int(name.dropFirst(base.count + 1)) else { return nil }
                return (name, number)
            }
            .sorted { $0.number < $1.number }.map(\.name)
    }

    private mutating func renameKeras() throws {
        let layers = Set(
            tensors.keys.map { name in String(name.prefix(upTo: name.lastIndex(of: ".") ?? name.endIndex)) })
        if layers.contains("block14_sepconv2") {
            throw FamilyProblem(
                "the CNN is Xception, which mmx does not have: train the captioner on the vectors of Inception-v3, or "
                    + "of another CNN that mmx has (mmx model import --list)")
        }
        let blocks = layers.filter { name in
            let parts = name.split(separator: "_")
            return parts.count == 2 && parts[0].hasPrefix("block") && Int(parts[0].dropFirst(5)) != nil
                && parts[1].hasPrefix("conv") && Int(parts[1].dropFirst(4)) != nil
        }
        if let name = Self.vgg(convolutions: blocks.count) {
            try renameVGG(name, blocks: blocks.sorted { $0.compare($1, options: .numeric) == .orderedAscending })
            return
        }
        let convolutions = numbered("conv2d", "kernel"), norms = numbered("batch_normalization", "moving_mean")
        let architecture = try Architectures.named("keras_inception_v3")
        let pairs = architecture.normPairs
        guard convolutions.count == pairs.count else { return }
        if norms.count == pairs.count { renameInception(architecture, convolutions, norms) }
        // Keras 3's .weights.h5 numbers layers in another order, and does not say what their weights are.
        let shapes = NamedCheckpoint.encoderShapes(architecture)
        guard shapes.allSatisfy({ tensors[$0.key]?.shape == $0.value }) else {
            throw FamilyProblem(
                "the CNN's file has as many layers as Keras's Inception-v3, but does not say their names: save the CNN "
                    + "with model.save(\"cnn.keras\") in place of save_weights")
        }
    }

    /// [height, width, in, out] -> [out, in, height, width]
    private static func convolution(_ kernel: Tensor) -> Tensor {
        kernel.shape.count == 4 ? kernel.permuted([3, 2, 0, 1]) : kernel
    }

    /// Keras's weights are Caffe's: the input is blue, green and red in 0...255, minus a mean.
    private mutating func renameVGG(_ name: String, blocks: [String]) throws {
        let architecture = try Architectures.named(name)
        let layers = NamedCheckpoint.weightNames(architecture)
        var result: [String: Tensor] = [:]
        for (old, new) in zip(blocks, layers.encoder) {
            result["\(new).weight"] = tensors["\(old).kernel"].map(Self.convolution)
            result["\(new).bias"] = tensors["\(old).bias"]
        }
        if let first = layers.encoder.first.map({ "\($0).weight" }), let weight = result[first],
            weight.shape.count == 4, weight.shape[1] == 3
        {
            result[first] = NamedCheckpoint.reversingInputs(weight)
        }
        for (old, new) in zip(["fc1", "fc2"], layers.head) {
            guard let kernel = tensors["\(old).kernel"], kernel.shape.count == 2 else { continue }
            result["\(new).weight"] =
                old == "fc1" ? Self.reading(map: kernel, side: 7) ?? kernel : kernel.permuted([1, 0])
            result["\(new).bias"] = tensors["\(old).bias"]
        }
        tensors = result
        preferred = [name]
        preprocessing = architecture.preprocessing.normalizing(mean: [123.68, 116.779, 103.939], std: [1, 1, 1])
    }

    /// The kernel of a Dense layer behind a flattened map, [side side C, out], whose rows are in the order height,
    /// width, channel, as the weight of a linear layer that reads channel, height, width: [out, C side side]. nil for a
    /// kernel of another map.
    static func reading(map kernel: Tensor, side: Int) -> Tensor? {
        let (rows, outputs) = (kernel.shape[0], kernel.shape[1])
        guard rows % (side * side) == 0 else { return nil }
        return kernel.reshaped([side, side, rows / (side * side), outputs]).permuted([3, 2, 0, 1])
            .reshaped([outputs, rows])
    }

    /// The layers of keras.applications' Inception-v3 have no names of their own but numbers, in the order in which it
    /// makes them: module by module, branch by branch. mmx's order is the same.
    private mutating func renameInception(
        _ architecture: any Architecture, _ convolutions: [String], _ norms: [String]
    ) {
        var result: [String: Tensor] = [:]
        for (index, pair) in architecture.normPairs.enumerated() {
            result["\(pair.convolution).weight"] = tensors["\(convolutions[index]).kernel"].map(Self.convolution)
            for (old, new) in [
                ("gamma", "weight"), ("beta", "bias"), ("moving_mean", "running_mean"),
                ("moving_variance", "running_var"),
            ] {
                result["\(pair.norm).\(new)"] = tensors["\(norms[index]).\(old)"]
            }
        }
        tensors = architecture.renamed(result)
        preferred = [architecture.name]
    }
}
