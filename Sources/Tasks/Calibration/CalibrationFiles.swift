import Foundation
import Support
import Tensors
import Weights

extension Calibration {
    /// The file of numbers, for people too.
    static let numbersFile = "calibration.json"
    /// The file of tensors.
    static let tensorsFile = "calibration.safetensors"

    /// In elements: 1,024 cells of 16,384 channels.
    private static let largestMap = 1 << 24
    /// Another process may replace the two files between the reading of one and of the other.
    private static let attempts = 3

    private static let tensorsKey = "calibration"
    private static let mapsName = "typical_features"
    private static let sharesName = "typical_shares"
    private static let centreName = "distribution.mean"
    private static let deviationName = "distribution.deviation"

    // MARK: Reading

    /// Reads the calibration in a model folder. The tensors stay in the mapped file until they are used.
    /// - Returns: nil where the folder has none.
    /// - Throws: ``ModelError`` or `SafeTensorsError` for one that cannot be used.
    public static func read(_ folder: URL) throws -> Calibration? {
        try? ModelFiles.finishReplacement(in: folder)
        for _ in 1..<attempts {
            switch try readOnce(folder) {
            case .missing: return nil
            case .found(let calibration): return calibration
            case .mixed: continue
            }
        }
        switch try readOnce(folder) {
        case .missing: return nil
        case .found(let calibration): return calibration
        case .mixed(let error): throw error
        }
    }

    /// Reads the calibration of a model, as ``read(_:)`` does.
    /// - Parameter encoder: the model's.
    /// - Throws: ``ModelError`` also for a calibration of other weights, or of another number of channels.
    public static func read(_ folder: URL, for encoder: ModelEncoder) throws -> Calibration? {
        guard let calibration = try read(folder) else { return nil }
        func refused(_ problem: String) -> ModelError {
            ModelError(
                path: folder.appendingPathComponent(numbersFile).path,
                problem: "\(problem); run 'mmx model calibrate' again, or remove \(numbersFile)")
        }
        guard calibration.encoder == encoder.identity.weights else {
            throw refused(
                "belongs to other weights of the encoder (\(calibration.encoder), not \(encoder.identity.weights))")
        }
        let preprocessing = encoder.identity.preprocessing
        let shape = calibration.typicalFeatures.shape
        guard shape[3] == encoder.network.channels, shape[1] <= preprocessing.height, shape[2] <= preprocessing.width
        else {
            throw refused(
                "has a feature map of the shape \(shape); the encoder gives \(encoder.network.channels) channels of at "
                    + "most \(preprocessing.height)x\(preprocessing.width) cells")
        }
        return calibration
    }

    /// What one attempt finds.
    private enum Outcome {
        case missing
        case found(Calibration)
        /// Files of two calibrations, or one of the two alone.
        case mixed(ModelError)
    }

    private static func readOnce(_ folder: URL) throws -> Outcome {
        let url = folder.appendingPathComponent(numbersFile)
        func refused(_ problem: String) -> ModelError { ModelError(path: url.path, problem: problem) }
        guard let numbers = try CalibrationNumbers.read(url) else { return .missing }
        let file = folder.appendingPathComponent(tensorsFile)
        guard FileManager.default.fileExists(atPath: file.path) else {
            return .mixed(refused("needs \(tensorsFile) beside it, which is missing; run 'mmx model calibrate' again"))
        }
        let tensors = try SafeTensors.read(file)
        guard try SafeTensors.metadata(file)[tensorsKey] == numbers.tensors else {
            return .mixed(refused("belongs to another \(tensorsFile); run 'mmx model calibrate' again"))
        }
        return .found(try Calibration(numbers, tensors: tensors, path: file.path))
    }

    /// - Parameters:
    ///   - tensors: those of the file.
    ///   - path: the file's, for errors.
    init(_ numbers: CalibrationNumbers, tensors: [String: Tensor], path: String) throws {
        func refused(_ problem: String) -> ModelError { ModelError(path: path, problem: problem) }
        var tensors = tensors
        func take(_ name: String, _ axes: [ClosedRange<Int>]) throws -> Tensor {
            guard let tensor = tensors.removeValue(forKey: name) else { throw refused("has no tensor \(name)") }
            let shape = tensor.shape
            guard shape.count == axes.count, zip(axes, shape).allSatisfy({ $0.contains($1) }),
                tensor.count <= Self.largestMap
            else { throw refused("has the tensor \(name) in the shape \(shape), which cannot be used") }
            guard tensor.hasFiniteElements else { throw refused("has numbers in \(name) that are not finite") }
            return tensor
        }
        let side = 1...1_024
        typicalFeatures = try take(Self.mapsName, [1...64, side, side, ConfigurationNumber.widths])
        let (count, channels) = (typicalFeatures.shape[0], typicalFeatures.shape[3])
        typicalShares = try take(Self.sharesName, [count...count]).array
        // Halves are exact to a thousandth.
        guard typicalShares.allSatisfy({ $0 > 0 }), abs(typicalShares.reduce(0, +) - 1) < 0.01 else {
            throw refused("has numbers in \(Self.sharesName) that do not add up to 1")
        }
        distribution = try numbers.distribution.map { distribution in
            let deviation = try take(Self.deviationName, [channels...channels])
            guard deviation.array.allSatisfy({ $0 > 0 }) else {
                throw refused("has numbers in \(Self.deviationName) that are not above 0")
            }
            return FeatureDistribution(
                mean: try take(Self.centreName, [channels...channels]), deviation: deviation,
                threshold: distribution.threshold, devWarned: distribution.devWarned)
        }
        if let name = tensors.keys.min() {
            throw refused("has the tensor '\(name.prefix(80))', which belongs to no calibration")
        }
        (encoder, data, temperature, kinds) = (numbers.encoder, numbers.data, numbers.temperature, numbers.kinds)
    }

    // MARK: Writing

    /// Writes the two files into a model folder, both or none. The tensors are stored as halves, where they fit.
    /// - Throws: ``ModelError``, `SafeTensorsError` or `AtomicFileError`; the old calibration is there then.
    public func write(to folder: URL) throws {
        try ModelFiles.replace(in: folder) { try writeFiles(to: $0) }
    }

    /// Writes the two files, one after the other.
    func writeFiles(to folder: URL) throws {
        var tensors = [
            Self.mapsName: typicalFeatures, Self.sharesName: Tensor([typicalShares.count], typicalShares),
        ]
        if let distribution {
            tensors[Self.centreName] = distribution.mean
            tensors[Self.deviationName] = distribution.deviation
        }
        let numbers = CalibrationNumbers(
            encoder: encoder, tensors: Self.fingerprint(tensors), data: data,
            distribution: distribution.map { .init(threshold: $0.threshold, devWarned: $0.devWarned) },
            temperature: temperature, kinds: kinds)
        if let problem = numbers.problem {
            throw ModelError(path: folder.appendingPathComponent(Self.numbersFile).path, problem: problem)
        }
        // Halves end at 65,504.
        let isLarge = tensors.values.contains { $0.array.contains { $0.magnitude >= 65_504 } }
        try SafeTensors.write(
            tensors, to: folder.appendingPathComponent(Self.tensorsFile), type: isLarge ? .f32 : .f16,
            metadata: ["format": "mmx", Self.tensorsKey: numbers.tensors], durable: true)
        try AtomicFile.write(
            try JSON.file(numbers), to: folder.appendingPathComponent(Self.numbersFile), durable: true)
    }

    /// Of the tensors as they are stored.
    private static func fingerprint(_ tensors: [String: Tensor]) -> String {
        var result = Fingerprint()
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            result.add(name)
            for size in tensor.shape { result.add(UInt64(size)) }
            for value in tensor.array { result.add(UInt64(Float16(value).bitPattern)) }
        }
        return result.hexadecimal
    }
}
