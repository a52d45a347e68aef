import Foundation
import Support
import Tensors
import Weights

/// Makes a model folder of a captioner or a VQA model that another program trained.
public struct FamilyImport {
    /// The files of the checkpoint: one, or encoder and decoder apart.
    public var files: [URL]
    public var output: URL
    /// The words: JSON, a pickle, a text. nil where the checkpoint has them.
    public var vocabulary: URL?
    /// The answers of a VQA model, one a line. nil where the checkpoint has them.
    public var answers: URL?
    /// The CNN where it is in no checkpoint: a file of weights, a model folder, or the name of an installed model.
    public var encoderWeights: String?
    /// The CNN's architecture where several fit, or where its names are those of another program.
    public var encoder: String?
    public var type = SafeTensors.DataType.f32

    public init(files: [URL], output: URL) {
        self.files = files
        self.output = output
    }

    /// The families, each with a line that says what it is.
    public static var families: [(name: String, title: String)] { CheckpointFamily.all.map { ($0.name, $0.title) } }

    /// Imports. Nothing is written unless everything fits.
    /// - Throws: ``ModelError``, or the readers' own errors.
    public func run() throws -> ModelImport.Record {
        guard !FileManager.default.fileExists(atPath: output.appendingPathComponent("config.json").path) else {
            throw ModelError(path: output.path, problem: "is a model already; give another --output, or remove it")
        }
        let hashes = try files.flatMap { try ImportedFile.files(of: $0) }.map { ($0, try Self.hash($0)) }
        var record = try imported()
        record.sha256 = hashes.first { $0.0.lastPathComponent == record.file }?.1 ?? ""
        let others = hashes.filter { $0.0.lastPathComponent != record.file }
        if !others.isEmpty {
            record.shards = Dictionary(others.map { ($0.0.lastPathComponent, $0.1) }) { first, _ in first }
        }
        record.weights = try sha256(file: ModelFiles(output).weights())
        try AtomicFile.write(try JSON.file(record), to: output.appendingPathComponent("import.json"))
        return record
    }

    /// A file's SHA-256. A path that is no file has none; its reader says so.
    private static func hash(_ url: URL) throws -> String {
        var information = stat()
        guard stat(url.path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return "" }
        do { return try sha256(file: url) } catch {
            throw ModelError(path: url.path, problem: "cannot be read")
        }
    }

    /// Writes the model folder. The record has no hashes yet.
    private func imported() throws -> ModelImport.Record {
        let parts = try files.map { try ImportedFile($0) }
        var found: (family: CheckpointFamily, part: Int, match: TensorPattern.Match)?
        for family in CheckpointFamily.all where found == nil {
            for (index, part) in parts.enumerated() where found == nil {
                found = family.evidence.match(part.contents.tensors.mapValues(\.shape)).map { (family, index, $0) }
            }
        }
        guard let (family, place, match) = found else { throw unknown(parts) }
        let path = parts[place].url.path
        do {
            var run = try FamilyRun(self, family, parts, place, match, path)
            return try run.result()
        } catch let problem as FamilyProblem {
            throw ModelError(path: path, problem: "looks like \(family.name), but \(problem.text)")
        }
    }

    private func unknown(_ parts: [ImportedFile]) -> ModelError {
        let path = files[0].path
        for part in parts {
            if let reason = KnownRefusals.reason(part.contents) {
                return ModelError(path: part.url.path, problem: reason)
            }
        }
        let names = parts.flatMap { $0.contents.tensors.keys.sorted().prefix(6) }
        return ModelError(
            path: path,
            problem: "is no captioner or VQA model of a family that mmx knows (mmx model import --list), as far as its "
                + "names and shapes tell: \(TensorChoice.list(names)). A CNN alone needs --encoder NAME")
    }
}
