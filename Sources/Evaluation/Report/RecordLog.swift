import Foundation
import Support
import Tasks
import Weights

/// A file of records. The records of each image are added when it is measured, so that an interrupted run can continue.
public final class RecordLog {
    /// The records of an earlier run, of complete images only.
    public private(set) var kept: [MapRecord] = []
    private let url: URL
    private var hasBegun = false

    /// Starts a new file, which replaces an existing one when the first image is measured.
    public init(_ url: URL) { self.url = url }

    /// Continues the file of an earlier run of the same model, data and options. If there is no file, it starts a new
    /// one.
    ///
    /// An incomplete last line is dropped. The records of the last image are dropped too, because some may be missing.
    /// - Parameters:
    ///   - url: of the file.
    ///   - run: the name of the run (``MapEvaluation/name(of:_:)``).
    /// - Throws: `DatasetError` for a line that is no record, or is a record of another run.
    public init(resuming url: URL, run: String) throws {
        self.url = url
        guard let data = try? Data(contentsOf: url) else { return }
        let whole = data[..<(data.lastIndex(of: 0x0A).map { $0 + 1 } ?? data.startIndex)]
        let decoder = JSONDecoder()
        for (index, line) in whole.split(separator: 0x0A).enumerated() {
            guard let record = try? decoder.decode(MapRecord.self, from: Data(line)) else {
                throw DatasetError(
                    path: url.path, line: index + 1,
                    problem: "is no record of maps; leave out --resume to write the file anew")
            }
            guard record.run == run else {
                throw DatasetError(
                    path: url.path, line: index + 1,
                    problem: "is a record of another model, other data or other options (run \(record.run), this one "
                        + "is \(run)); resume with the same command, or leave out --resume to write the file anew")
            }
            kept.append(record)
        }
        let last = kept.last?.image
        kept.removeAll { $0.image == last }
    }

    /// Adds the records of complete images to the file.
    /// - Throws: `AtomicFileError`.
    func append(_ records: [MapRecord]) throws {
        if !hasBegun {
            try AtomicFile.write(Data(try MapRecord.lines(kept + records).utf8), to: url)
            hasBegun = true
            return
        }
        do {
            let file = try FileHandle(forWritingTo: url)
            defer { try? file.close() }
            // A pipe cannot seek.
            _ = try? file.seekToEnd()
            try file.write(contentsOf: Data(try MapRecord.lines(records).utf8))
        } catch let error as NSError {
            throw AtomicFileError(path: url.path, problem: error.localizedDescription)
        }
    }
}
