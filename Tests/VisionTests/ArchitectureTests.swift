import Tensors
import TestSupport
import XCTest

@testable import Vision

/// Every network of the registry against torchvision's with the same weights (Fixtures/make_encoders.py): the feature
/// map, the logits, and one logit's gradients with respect to the feature map and the image.
final class ArchitectureTests: XCTestCase {
    private struct Expected: Decodable {
        struct Summary: Decodable {
            let count: Int
            let sum: Double, squares: Double
            let slice: [Float]
        }
        struct Case: Decodable {
            let height: Int, width: Int
            let shape: [Int]
            let features: Summary, logits: Summary, featureGradient: Summary, inputGradient: Summary
        }
        let gain: Float
        let tensors: Int
        let names: UInt32
        let cases: [Case]
    }

    /// Limits of the deviations from double precision, for the median and the worst of 16 elements. A deviation is
    /// relative to the root mean square of all elements or to the element, whichever is larger. The limit of the median
    /// also applies to the length (root of the sum of squares); the limit of the worst also applies to the sum divided
    /// by the length.
    private struct Tolerance {
        let typical: Double, worst: Double
    }
    /// Up to 150 layers of single-precision sums. 2e-6 and 7e-5 were measured over all networks.
    private let smooth = Tolerance(typical: 1e-5, worst: 2e-4)
    /// The gradient of the image passes thousands of ReLUs and pools. If an input of a ReLU is close to zero, or two
    /// inputs of a pool are close to each other, rounding decides which path the gradient takes. Then it differs for
    /// the pixels behind that unit and stays the same for the others. 3.5e-3 and 0.08 were measured; a wrong rule gives
    /// 1.
    private let switched = Tolerance(typical: 7e-3, worst: 0.3)
    private let classes = 1000, logit = 7

    /// The networks that PyTorch's packages do not have, or that have their own test.
    private let others = ["tiny"] + (0...4).map { "efficientnet-lite\($0)" }

    // One test for each family, so that a failure names it. The names in a family have a common prefix.
    func testAlexNet_withReproducibleWeights_matchesTorchvision() throws { try check(prefix: "alexnet", count: 1) }
    func testVGG_withReproducibleWeights_matchesTorchvision() throws { try check(prefix: "vgg", count: 8) }
    func testResNet_withReproducibleWeights_matchesTorchvision() throws { try check(prefix: "resnet", count: 5) }
    func testWideResNet_withReproducibleWeights_matchesTorchvision() throws {
        try check(prefix: "wide_resnet", count: 2)
    }
    func testResNeXt_withReproducibleWeights_matchesTorchvision() throws { try check(prefix: "resnext", count: 3) }
    func testSqueezeNet_withReproducibleWeights_matchesTorchvision() throws {
        try check(prefix: "squeezenet", count: 2)
    }
    func testGoogLeNet_withReproducibleWeights_matchesTorchvision() throws { try check(prefix: "googlenet", count: 1) }
    func testInception_withReproducibleWeights_matchesTorchvision() throws { try check(prefix: "inception", count: 1) }
    func testCaffeResNet_withReproducibleWeights_matchesTorchvisionWithItsStrides() throws {
        try check(prefix: "caffe_resnet", count: 3)
    }
    func testKerasInception_withReproducibleWeights_matchesKeras() throws {
        try check(prefix: "keras_inception", count: 1)
    }
    func testDenseNet_withReproducibleWeights_matchesTorchvision() throws { try check(prefix: "densenet", count: 1) }
    func testMobileNet_withReproducibleWeights_matchesTorchvision() throws { try check(prefix: "mobilenet", count: 1) }

    func testArchitectures_allOfThem_haveAFixture() throws {
        for name in Architectures.names where !others.contains(name) {
            let file = Fixture.url("encoders/\(name).json")
            XCTAssertTrue(FileManager.default.fileExists(atPath: file.path), "\(name) has no fixture: \(file.path)")
        }
    }

    /// The large heads of a family are equal, so each is made once.
    private var heads: [String: Tensor] = [:]

    private func check(prefix: String, count: Int) throws {
        let names = Architectures.names.filter { $0.hasPrefix(prefix) }
        XCTAssertEqual(names.count, count, "\(names)")
        for name in names { try check(name) }
    }

    private func check(_ name: String) throws {
        let architecture = try Architectures.named(name)
        let expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: Fixture.url("encoders/\(name).json")))
        var state: [String: Tensor] = [:]
        let store = ParameterStore(filling: { key, shape in
            let headKey = "\(key) \(shape)"
            let isScale = key.hasSuffix(".bn.weight")
            let value =
                isScale && !architecture.hasNormScales
                ? Tensor(shape, [Float](repeating: 1, count: shape[0]))
                : self.heads[headKey] ?? ReproducibleWeights.parameter(key, shape, gain: expected.gain)
            if key.hasPrefix("classifier.") { self.heads[headKey] = value }
            state[key] = value
            return value
        })
        let encoder = architecture.encoder(store.scope(), folded: false)
        let head = architecture.head(store.scope(), classes: classes)
        XCTAssertEqual(state.count, expected.tensors, name)
        let keys = state.map { "\($0) \($1.shape.map(String.init).joined(separator: "x"))" }.sorted()
        let hash = ReproducibleWeights.fnv(keys.joined(separator: "\n"))
        XCTAssertEqual(hash, expected.names, "\(name): names or shapes")
        for one in expected.cases { compare(encoder, head, one, "\(name) \(one.height)x\(one.width)") }
        if architecture.normPairs.isEmpty { return }
        let folded = ParameterStore(
            strict: try foldingBatchNorms(state, pairs: architecture.normPairs, epsilon: architecture.epsilon),
            origin: name)
        let foldedEncoder = architecture.encoder(folded.scope(), folded: true)
        let foldedHead = architecture.head(folded.scope(), classes: classes)
        try folded.checkComplete()
        let one = try XCTUnwrap(expected.cases.last)
        compare(foldedEncoder, foldedHead, one, "\(name) folded \(one.height)x\(one.width)")
    }

    private func compare(
        _ encoder: Encoder, _ head: (Variable) -> Variable, _ expected: Expected.Case, _ label: String
    ) {
        let tape = Tape()
        let input = tape.leaf(
            ReproducibleWeights.noise("input", [1, expected.height, expected.width, 3], scale: 4))
        var features = input
        for stage in encoder.stages {
            features = stage.apply(features)
            XCTAssertEqual(features.shape[3], stage.channels, "\(label) \(stage.name)")
            // Unpadded layers lose up to four cells.
            let size = Double(expected.height) / Double(stage.stride)
            XCTAssertEqual(Double(features.shape[1]), size, accuracy: 4, "\(label) \(stage.name)")
        }
        XCTAssertEqual(features.shape, expected.shape, label)
        XCTAssertEqual(encoder.channels, expected.shape[3], label)
        let logits = head(features)
        XCTAssertEqual(logits.shape, [1, classes], label)
        let gradients = tape.gradients(of: logits.picked([logit]), withRespectTo: [features, input])
        compare(features.value, expected.features, smooth, "\(label): feature map")
        compare(logits.value, expected.logits, smooth, "\(label): logits")
        compare(gradients[0], expected.featureGradient, smooth, "\(label): gradient of the feature map")
        compare(gradients[1], expected.inputGradient, switched, "\(label): gradient of the image")
    }

    private func compare(_ x: Tensor, _ expected: Expected.Summary, _ tolerance: Tolerance, _ label: String) {
        guard x.count == expected.count else { return XCTFail("\(label): \(x.count) elements, not \(expected.count)") }
        let values = x.array
        let sum = values.reduce(0.0) { $0 + Double($1) }
        let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
        let norm = expected.squares.squareRoot(), typical = norm / Double(x.count).squareRoot()
        XCTAssertGreaterThan(typical, 1e-5, "\(label) vanishes: nothing would be tested")
        let slice = stride(from: 0, to: x.count, by: max(1, x.count / 16)).prefix(16).map { values[$0] }
        guard slice.count == expected.slice.count else { return XCTFail("\(label): a slice of another length") }
        let deviations = zip(slice, expected.slice).map { abs(Double($0 - $1)) / max(typical, abs(Double($1))) }
            .sorted()
        let length = abs(squares.squareRoot() - norm) / norm
        // Independent errors of n elements add up as sqrt(n).
        let total = abs(sum - expected.sum) / norm
        let median = deviations[deviations.count / 2], worst = deviations[deviations.count - 1]
        XCTAssertLessThan(median, tolerance.typical, "\(label): typical element")
        XCTAssertLessThan(worst, tolerance.worst, "\(label): worst element")
        XCTAssertLessThan(length, tolerance.typical, "\(label): length")
        XCTAssertLessThan(total, tolerance.worst, "\(label): sum")
        // Optional: writes a line for each comparison to an existing file.
        if let path = ProcessInfo.processInfo.environment["MMX_DEVIATIONS"] {
            let file = FileHandle(forWritingAtPath: path)
            file?.seekToEndOfFile()
            file?.write(Data("\(label): \(median) \(worst) \(length) \(total)\n".utf8))
        }
    }

    // MARK: The registry

    private func empty(_ architecture: any Architecture) -> Encoder {
        architecture.encoder(ParameterStore(filling: { Tensor($1) }).scope(), folded: true)
    }

    func testArchitectures_byName_areUniqueAndFound() throws {
        XCTAssertEqual(Set(Architectures.names).count, Architectures.names.count)
        for name in Architectures.names {
            let architecture = try Architectures.named(name)
            XCTAssertEqual(architecture.name, name)
            if let layer = architecture.camLayer { XCTAssertEqual(architecture.classesKey, "\(layer).weight", name) }
        }
        XCTAssertThrowsError(try Architectures.named("vgg99")) {
            XCTAssertTrue("\($0)".contains("vgg99") && "\($0)".contains("vgg16_bn"), "\($0)")
        }
    }

    /// A VGG's map is its last convolution's ReLU, before the last pool: relu5_3, 16 pixels for each cell, as in the
    /// papers.
    func testDefaultLayer_ofEachFamily_isTheLastConvolution() throws {
        let vgg = empty(try Architectures.named("vgg16"))
        XCTAssertEqual(vgg.lastLayer, "features.28")
        for layer in ["features.28", "features.29", "relu5_3"] {
            XCTAssertEqual(vgg.index(of: layer), vgg.stages.count - 1)
        }
        XCTAssertEqual(vgg.stages.last?.stride, 16)
        XCTAssertEqual(vgg(Variable(Tensor([1, 224, 224, 3]))).shape, [1, 14, 14, 512])
        let residual = empty(try Architectures.named("resnet18"))
        XCTAssertEqual(residual.lastLayer, "layer4.1")
        XCTAssertEqual(residual.index(of: "layer4"), residual.stages.count - 1)
        XCTAssertEqual(residual.index(of: "layer1"), residual.index(of: "layer1.1"))
        XCTAssertEqual(empty(AlexNet()).lastLayer, "features.10")
        XCTAssertEqual(empty(try Architectures.named("squeezenet1_1")).lastLayer, "features.12")
    }

    func testNetwork_atItsSmallestInput_returnsLogits() throws {
        for name in [
            "alexnet", "vgg11", "squeezenet1_0", "squeezenet1_1", "resnet18", "googlenet", "inception_v3",
            "keras_inception_v3", "caffe_resnet50", "densenet121", "mobilenet_v2",
        ] {
            let architecture = try Architectures.named(name), side = architecture.smallestSide
            let store = ParameterStore(filling: { Tensor($1) })
            let features = architecture.encoder(store.scope(), folded: true)(Variable(Tensor([1, side, side, 3])))
            XCTAssertEqual(architecture.head(store.scope(), classes: 5)(features).shape, [1, 5], name)
        }
    }

    func testEncoderCheck_ofATooSmallImage_throws() throws {
        func input(_ side: Int) -> Preprocessing {
            let usual = AlexNet().preprocessing
            return Preprocessing(
                width: side, height: 224, fit: .squash, filter: .bilinear, mean: usual.mean, std: usual.std)
        }
        let vgg = EncoderConfiguration(name: "vgg16", folded: true)
        try vgg.check(input(32))
        XCTAssertThrowsError(try vgg.check(input(31))) { XCTAssertTrue("\($0)".contains("at least 32"), "\($0)") }
        try EncoderConfiguration(name: "resnet18", folded: true).check(input(1))
    }

    func testEncoderCheck_ofPhotographsAtTheirOwnSize_needsASmallestSide() throws {
        func input(_ smallest: Int?) -> Preprocessing {
            Preprocessing(
                width: 299, height: 299, fit: .native, nativeSmallest: smallest, filter: .bilinear, mean: [0, 0, 0],
                std: [1, 1, 1])
        }
        let inception = EncoderConfiguration(name: "keras_inception_v3", folded: true)
        try inception.check(input(75))
        XCTAssertThrowsError(try inception.check(input(nil))) {
            XCTAssertTrue("\($0)".contains("at least 75x75") && "\($0)".contains("nativeSmallest"), "\($0)")
        }
        try EncoderConfiguration(name: "resnet18", folded: true).check(input(nil))
        XCTAssertThrowsError(try EncoderConfiguration(name: "caffe_resnet50", folded: true).check(input(2)))
    }

    /// Networks whose checkpoints fit another network too.
    func testTwins_haveTheSameTensors() throws {
        func tensors(_ architecture: any Architecture) -> [String] {
            var found: [String] = []
            let store = ParameterStore(filling: { key, shape in
                found.append("\(key) \(shape)")
                return Tensor(uninitialized: shape)
            })
            _ = architecture.encoder(store.scope(on: Tape()), folded: false)
            _ = architecture.head(store.scope(on: Tape()), classes: 10)
            return found.sorted()
        }
        let twins = Architectures.all.filter { $0.twin != nil }
        XCTAssertEqual(
            twins.map(\.name), ["caffe_resnet50", "caffe_resnet101", "caffe_resnet152", "keras_inception_v3"])
        for architecture in twins {
            let twin = try Architectures.named(XCTUnwrap(architecture.twin))
            XCTAssertNil(twin.twin)
            XCTAssertEqual(tensors(architecture), tensors(twin), architecture.name)
        }
    }

    /// Keras's checkpoints have no scales of batch normalisation.
    func testKerasInception_withoutScales_getsOnes() throws {
        let network = try Architectures.named("keras_inception_v3")
        let norm = "Mixed_7c.branch1x1.bn"
        let state = network.renamed(["\(norm).bias": Tensor([320]), "Conv2d_1a_3x3.bn.weight": Tensor([32])])
        XCTAssertEqual(state["\(norm).weight"]?.array, [Float](repeating: 1, count: 320))
        XCTAssertEqual(state["Conv2d_1a_3x3.bn.weight"]?.array, [Float](repeating: 0, count: 32))
        XCTAssertEqual(state.count, 3)
        XCTAssertNil(InceptionV3().renamed(["\(norm).bias": Tensor([320])])["\(norm).weight"])
        // 0 and 255 become -1 and 1.
        XCTAssertEqual(network.preprocessing.normalized(Image(width: 299, height: 299)).array[0], -1)
    }

    func testEncoderTensors_ofACheckpoint_omitHeadsAndCounters() {
        let kept = AlexNet().encoderTensors([
            "features.0.weight": Tensor([1]), "classifier.6.weight": Tensor([1]),
            "features.1.num_batches_tracked": Tensor([1]),
        ])
        XCTAssertEqual(Array(kept.keys), ["features.0.weight"])
        // Modules that only training uses are removed by name, and no others are.
        let module = GoogLeNet().encoderTensors([
            "aux1.conv.conv.weight": Tensor([1]), "aux2.fc2.bias": Tensor([1]), "fc.bias": Tensor([1]),
            "conv1.conv.weight": Tensor([1]), "aux3.fc2.bias": Tensor([1]),
        ])
        XCTAssertEqual(module.keys.sorted(), ["aux3.fc2.bias", "conv1.conv.weight"])
        let inception = InceptionV3().encoderTensors(["AuxLogits.fc.bias": Tensor([1]), "AuxLogit.bias": Tensor([1])])
        XCTAssertEqual(Array(inception.keys), ["AuxLogit.bias"])
    }

    /// The keys of checkpoints from before PyTorch forbade dots in the names of modules.
    func testDenseNet_withOldTensorNames_loads() throws {
        let network = DenseNet()
        let layer = "features.denseblock2.denselayer11"
        XCTAssertEqual(network.currentName("\(layer).norm.1.running_mean"), "\(layer).norm1.running_mean")
        XCTAssertEqual(network.currentName("\(layer).conv.2.weight"), "\(layer).conv2.weight")
        for same in ["\(layer).norm1.weight", "features.norm5.weight", "classifier.1.weight", "norm.1.weight", "", "."]
        {
            XCTAssertEqual(network.currentName(same), same)
        }
        // A whole checkpoint with old names fits the network. If it has both names of a tensor, one is left unused.
        let store = ParameterStore(seed: 1)
        _ = network.encoder(store.scope(), folded: false)
        let state = store.stateDictionary()
        let old = Dictionary(
            uniqueKeysWithValues: state.map { key, value in
                (
                    key.replacing(#/denselayer(\d+)\.(norm|conv)([12])\./#) { "denselayer\($0.1).\($0.2).\($0.3)." },
                    value
                )
            })
        XCTAssertNotEqual(old.keys.sorted(), state.keys.sorted())
        let strict = ParameterStore(strict: network.renamed(old), origin: "old")
        _ = network.encoder(strict.scope(), folded: false)
        try strict.checkComplete()
        let both = network.renamed(["\(layer).norm.1.bias": Tensor([1]), "\(layer).norm1.bias": Tensor([2])])
        XCTAssertEqual(both["\(layer).norm1.bias"]?.shape, [2])
        XCTAssertEqual(both.count, 2)
    }

    /// Norms that cannot be folded are trained with their running statistics.
    func testFoldedDenseNet_inTraining_keepsItsStatistics() throws {
        let store = ParameterStore(filling: { ReproducibleWeights.parameter($0, $1, gain: 1) })
        let x = Variable(ReproducibleWeights.noise("input", [2, 33, 33, 3], scale: 4))
        let used = DenseNet().encoder(store.scope(), folded: true)(x).value
        let tape = Tape()
        let trained = DenseNet().encoder(store.scope(on: tape), folded: true)(x)
        let typical = (used.array.reduce(0) { $0 + $1 * $1 } / Float(used.count)).squareRoot()
        for (a, b) in zip(trained.value.array, used.array) { XCTAssertEqual(a, b, accuracy: 1e-4 * typical) }
        let gamma = try XCTUnwrap(store.leaves["features.norm5.weight"])
        let gradient = tape.gradients(of: trained.sum(), withRespectTo: [gamma])[0]
        XCTAssertTrue(gradient.array.contains { $0 != 0 })
        let mean = try XCTUnwrap(store.values["features.norm5.running_mean"])
        XCTAssertEqual(mean.array, ReproducibleWeights.parameter("features.norm5.running_mean", [1024], gain: 1).array)
    }

    /// torchvision's normalisation with ImageNet's statistics, followed by `transform_input`.
    func testPreprocessing_ofNetworksFromTensorFlow_equalsTransformInput() {
        let ours = GoogLeNet().preprocessing, normal = Preprocessing.imageNet()
        let deviations: [Float] = [0.229, 0.224, 0.225], means: [Float] = [0.485, 0.456, 0.406]
        for channel in 0..<3 {
            for pixel: Float in [0, 100, 255] {
                let x = (pixel - normal.mean[channel]) / normal.std[channel]
                let transformed = x * (deviations[channel] / 0.5) + (means[channel] - 0.5) / 0.5
                XCTAssertEqual((pixel - ours.mean[channel]) / ours.std[channel], transformed, accuracy: 1e-5)
            }
        }
        XCTAssertEqual(InceptionV3().preprocessing.width, 299)
    }
}
