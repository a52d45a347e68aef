import Foundation
import Support
import Tasks
import Weights

/// A file of records that grows image by image, so that a run that was cut off can go on where it stopped.
public final class RecordLog {
    /// What an earlier run left: whole images only.
    public private(set) var kept: [MapRecord] = []
    private let url: URL
    private var hasBegun = false

    /// A new file, in place of what is there; nothing is written before the first image is measured.
    public init(_ url: URL) { self.url = url }

    /// Goes on with the file of an earlier run of the same model, data and options; a new one where there is none.
    ///
    /// A half-written last line is dropped, and so is the last image, which may lack records.
    /// - Throws: ``DatasetError`` for a line that is no record, or is one of another run.
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

    /// Writes the records of whole images behind those that are there.
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
            // A pipe has no end to seek.
            _ = try? file.seekToEnd()
            try file.write(contentsOf: Data(try MapRecord.lines(records).utf8))
        } catch let error as NSError {
            throw AtomicFileError(path: url.path, problem: error.localizedDescription)
        }
    }
}
