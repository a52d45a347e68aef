import Foundation
import Language
import Tensors
import Vision

/// Computes the calibration of a model folder and writes it there.
public struct CalibrationRun {
    /// The model's folder.
    let folder: URL
    /// Folders of other photographs, which are compared with dev.
    let compared: [URL]
    /// Called with the number of things done and of all, and what they are.
    let progress: (Int, Int, String) -> Void

    public init(
        _ folder: URL, comparing compared: [URL] = [], progress: @escaping (Int, Int, String) -> Void = { _, _, _ in }
    ) {
        self.folder = folder
        self.compared = compared
        self.progress = progress
    }

    /// Calibrates a captioner.
    /// - Throws: ``ModelError``, ``DatasetError``, `ImageError`, and errors of writing; the old calibration stays then.
    public func captioner(train: CaptionDataset, dev: CaptionDataset) throws -> CalibrationReport {
        let model = try Captioner.load(folder, isCalibrated: false)
        let tokenizer = CaptionTokenizer()
        return try run(
            model.modelEncoder, train: train.files, dev: dev.files, names: train.names + dev.names
        ) { calibration, features in
            calibration.temperature = try .fit(
                model.decoder, vocabulary: model.vocabulary,
                captions: dev.entries.map { $0.captions.map { model.vocabulary.encode(tokenizer.tokens($0)) } },
                features: features)
        }
    }

    /// Calibrates a VQA model.
    /// - Throws: as ``captioner(train:dev:)``.
    public func answerer(train: QuestionDataset, dev: QuestionDataset) throws -> CalibrationReport {
        let model = try VQAModel.load(folder, isCalibrated: false)
        return try run(
            model.modelEncoder, train: train.files, dev: dev.files, names: train.names + dev.names
        ) { calibration, features in
            let found = try AnswerCalibration(
                model.head, answers: model.answers,
                items: dev.entries.map { $0.questions.map { .init($0, vocabulary: model.vocabulary) } },
                features: features)
            (calibration.temperature, calibration.kinds) = (found.temperature, found.kinds)
        }
    }

    /// - Parameter fit: fits the words or answers, with the dev images' feature maps.
    private func run(
        _ encoder: ModelEncoder, train: [URL], dev: [URL], names: [String],
        fit: (inout Calibration, FeatureMaps) throws -> Void
    ) throws -> CalibrationReport {
        try encoder.identity.preprocessing.checkOneSize(of: folder, for: "calibrating")
        let others = try compared.map { (folder: $0, images: try Self.images(in: $0)) }
        // The dev images are read several times; a killed run leaves their features in the system's temporary folder.
        let temporary = FileManager.default.temporaryDirectory.appendingPathComponent("mmx-calibrate-\(UUID())")
        defer { try? FileManager.default.removeItem(at: temporary) }
        let cache = try FeatureCache(
            images: dev, preprocessing: encoder.identity.preprocessing, augmentation: .none, folder: temporary,
            name: "dev", key: "dev", front: { encoder.network(Variable($0)).value },
            progress: { progress($0, $1, "dev images") })
        let devMaps = FeatureMaps(count: cache.count) { cache.batch(Array($0)) }
        var calibration = try Calibration.fit(
            encoder: encoder.identity.weights, train: FeatureMaps(train, encoder: encoder), dev: devMaps, names: names,
            path: folder.path, progress: { progress($0, $1, "training images") })
        progress(0, 1, "fits of the temperature")
        try fit(&calibration, devMaps)
        let comparisons = try others.map {
            try compare($0.folder, $0.images, encoder, calibration.distribution, devMaps)
        }
        try calibration.write(to: folder)
        return report(calibration, comparisons)
    }

    private func compare(
        _ folder: URL, _ images: [URL], _ encoder: ModelEncoder, _ distribution: FeatureDistribution?,
        _ dev: FeatureMaps
    ) throws -> CalibrationReport.Comparison {
        guard let distribution else { throw ModelError(path: self.folder.path, problem: "has no distribution") }
        let own = try distribution.distances(dev)
        let found = try distribution.distances(FeatureMaps(images, encoder: encoder)) {
            progress($0, $1, "images of \(folder.lastPathComponent)")
        }
        return CalibrationReport.Comparison(
            folder: folder.path, images: images.count, warned: found.count { $0 > distribution.threshold },
            areaUnderCurve: AreaUnderCurve.value(positive: found, negative: own))
    }

    private func report(_ calibration: Calibration, _ compared: [CalibrationReport.Comparison]) -> CalibrationReport {
        let bytes = [Calibration.numbersFile, Calibration.tensorsFile].reduce(0) { sum, name in
            let path = folder.appendingPathComponent(name).path
            let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? nil
            return sum + (size ?? 0)
        }
        return CalibrationReport(
            model: folder.path, images: calibration.data.images, devImages: calibration.data.devImages,
            threshold: calibration.distribution?.threshold ?? 0, devWarned: calibration.distribution?.devWarned ?? 0,
            temperature: calibration.temperature, kinds: calibration.kinds, compared: compared, bytes: bytes)
    }

    /// The image files in a folder, by name.
    /// - Throws: ``DatasetError`` where there are none.
    static func images(in folder: URL) throws -> [URL] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else {
            throw DatasetError(path: folder.path, problem: "is no folder that can be read")
        }
        let found = names.filter(Image.isNamed)
        if found.isEmpty { throw DatasetError(path: folder.path, problem: "has no images (.jpg, .jpeg, .png)") }
        return found.sorted().map { folder.appendingPathComponent($0) }
    }
}

extension CaptionDataset {
    /// The images' files, in the entries' order.
    var files: [URL] { entries.map { imageURL($0.image) } }
}

extension QuestionDataset {
    /// The images' files, in the entries' order.
    var files: [URL] { entries.map { imageURL($0.image) } }
}
