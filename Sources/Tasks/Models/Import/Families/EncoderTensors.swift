import Foundation
import Support
import Tensors
import Vision
import Weights

/// A CNN of mmx's found among a checkpoint's tensors.
struct EncoderTensors {
    let architecture: any Architecture
    /// Under the architecture's own names, without its head and counters.
    let tensors: [String: Tensor]
    /// The beginning of its names in the checkpoint.
    let prefix: String
    /// The full names in the checkpoint of all that belongs to the network, its head and its counters too.
    let names: Set<String>

    /// Numbers of a `Sequential` of a ResNet's children, as captioners name its parts.
    private static let children = [
        "conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7",
    ]

    /// The first part of a name as a `Sequential` numbers it; nil where there is none.
    private static func numbered(_ name: String) -> String? {
        let first = name.prefix { $0 != "." }
        return children[String(first)].map { $0 + name.dropFirst(first.count) }
    }

    /// The network of the most layers that is whole among these tensors; nil where there is none.
    /// - Parameters:
    ///   - preferred: architectures that come before others of the same names and shapes.
    ///   - only: an architecture that a person named.
    init?(
        in tensors: [String: Tensor], preferred: [String], only: String?
    ) throws {
        var candidates = Architectures.all
        if let only {
            candidates = [try Architectures.named(only)]
        } else {
            let first = preferred.compactMap { name in candidates.first { $0.name == name } }
            candidates = first + candidates.filter { other in !first.contains { $0.name == other.name } }
        }
        var best: (architecture: any Architecture, prefix: String, wanted: [String: String])?
        for architecture in candidates {
            let shapes = NamedCheckpoint.encoderShapes(architecture)
            let plain = Dictionary(uniqueKeysWithValues: shapes.keys.map { ($0, $0) })
            var namings = [plain]
            let numbered = shapes.keys.compactMap { name in Self.numbered(name).map { ($0, name) } }
            if numbered.count == shapes.count { namings.append(Dictionary(uniqueKeysWithValues: numbered)) }
            // A captioner may hold the `features` of a VGG alone.
            if shapes.keys.allSatisfy({ $0.hasPrefix("features.") }) {
                namings.append(
                    Dictionary(uniqueKeysWithValues: shapes.keys.map { (String($0.dropFirst("features.".count)), $0) }))
            }
            for wanted in namings where wanted.count > best?.wanted.count ?? 0 {
                guard let probe = wanted.keys.min() else { continue }
                let places = tensors.keys.filter { $0 == probe || $0.hasSuffix("." + probe) }.sorted()
                for place in places {
                    let prefix = String(place.dropLast(probe.count))
                    let fits = wanted.allSatisfy { name, own in tensors[prefix + name]?.shape == shapes[own] }
                    if fits {
                        best = (architecture, prefix, wanted)
                        break
                    }
                }
            }
        }
        guard let best else { return nil }
        architecture = best.architecture
        prefix = best.prefix
        self.tensors = Dictionary(
            uniqueKeysWithValues: best.wanted.compactMap { name, own in tensors[best.prefix + name].map { (own, $0) } })
        let modules = [best.architecture.headModule] + best.architecture.auxiliaryModules
        names = Set(best.wanted.keys.map { best.prefix + $0 }).union(
            tensors.keys.filter { name in modules.contains { name.hasPrefix("\(best.prefix)\($0).") } })
    }
}

/// An encoder as a model folder holds it: batch normalisation folded into the convolutions.
struct ImportedEncoder {
    let configuration: EncoderConfiguration
    /// The network's own way with pixels: mean and deviation.
    let preprocessing: Preprocessing
    /// Under the encoder's own names.
    let state: [String: Tensor]
    let channels: Int
    /// How the record of the import names it.
    let origin: String
    /// Whether it is a model folder's, with all of the model's preprocessing.
    var isModel = false

    /// - Parameter preprocessing: of these weights; nil for the architecture's own.
    /// - Throws: `FoldingError`.
    init(_ found: EncoderTensors, origin: String, preprocessing: Preprocessing? = nil) throws {
        let architecture = found.architecture
        let state = try foldingBatchNorms(
            found.tensors, pairs: architecture.normPairs, epsilon: architecture.epsilon)
        self.init(
            configuration: EncoderConfiguration(name: architecture.name, folded: true),
            preprocessing: preprocessing ?? architecture.preprocessing, state: state,
            channels: Self.channels(architecture), origin: origin)
    }

    private init(
        configuration: EncoderConfiguration, preprocessing: Preprocessing, state: [String: Tensor], channels: Int,
        origin: String
    ) {
        self.configuration = configuration
        self.preprocessing = preprocessing
        self.state = state
        self.channels = channels
        self.origin = origin
    }

    private static func channels(_ architecture: any Architecture) -> Int {
        architecture.encoder(ParameterStore.measuring().scope(on: Tape()), folded: true).channels
    }

    /// The encoder of a model folder, or of a file of weights.
    /// - Parameters:
    ///   - place: a path, or the name of an installed model.
    ///   - preferred, only: as for ``EncoderTensors``.
    /// - Throws: ``ModelError``, ``ImportError``, or the readers' own errors.
    init(_ place: String, preferred: [String], only: String?) throws {
        let url = URL(fileURLWithPath: place)
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
        if !exists || isFolder.boolValue {
            let files = ModelFiles(try ModelFolder.find(place))
            let (encoder, store) = try files.encoder()
            self.init(
                configuration: encoder.identity.encoder, preprocessing: encoder.identity.preprocessing,
                state: store.stateDictionary(), channels: encoder.network.channels, origin: place)
            isModel = true
            return
        }
        if let only {
            let architecture = try Architectures.named(only)
            let file = try WeightsFile(url, for: NamedCheckpoint.names(architecture))
            var named = try NamedCheckpoint(file, as: architecture, path: place)
            named.leaveOut { $0.hasPrefix("\(architecture.headModule).") }
            if let found = try EncoderTensors(in: named.tensors, preferred: [], only: only) {
                let imported = try ImportedEncoder(found, origin: url.lastPathComponent)
                self.init(
                    configuration: imported.configuration,
                    preprocessing: named.preprocessing ?? imported.preprocessing, state: imported.state,
                    channels: imported.channels, origin: imported.origin)
                return
            }
        } else {
            let contents = try CheckpointContents(url) { !CheckpointFamily.isTraining($0) }
            if let found = try EncoderTensors(in: contents.tensors, preferred: preferred, only: nil) {
                try self.init(found, origin: url.lastPathComponent)
                return
            }
        }
        throw ModelError(
            path: place,
            problem: "holds no CNN\(only.map { " \($0)" } ?? "") that mmx has with all its layers. Networks are "
                + "\(Architectures.names.joined(separator: ", ")); --encoder names one whose file has other names, "
                + "and mmx model import FILE --encoder NAME says what differs")
    }
}

extension NamedCheckpoint {
    /// The names and file shapes of the encoder's tensors, those of batch normalisation too.
    static func encoderShapes(_ architecture: any Architecture) -> [String: [Int]] {
        let store = ParameterStore.measuring()
        // With a tape, layers do not spend time on preparing their weights.
        _ = architecture.encoder(store.scope(on: Tape()), folded: false)
        return store.shapes
    }
}
