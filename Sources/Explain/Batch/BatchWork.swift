import Foundation
import Support
import Tensors
import Vision

/// What the threads of a batch share: the photographs that are left, and the records that wait for those before them.
final class BatchWork: @unchecked Sendable {
    /// A record on its way: what stays of a photograph when it is explained.
    private struct Finished {
        let index: Int
        var lines: [String: String] = [:]
        var maps: [(name: String, array: Tensor)] = []
        var isFailed = false
        /// What ends the work when the records before are written.
        var end: (any Error)?
    }

    private let batch: BatchRequest
    private let folder: BatchFolder?
    private let sources: PhotoSources
    private let report: (BatchProgress) -> Void
    private let start = Date()

    /// Whether the last photograph is taken; read and written with the lock of the sources, as these are.
    private var isAtEnd = false
    private let sourcesLock = NSLock()

    // Everything below is read and written with the lock.
    private let lock = NSCondition()
    private var progress = BatchProgress()
    /// Counts the photographs that this run took, and the records that it wrote.
    private var taken = 0, written = 0
    private var waiting: [Int: Finished] = [:]
    private var failure: (any Error)?
    private var places: Set<String> = []

    /// Records that may wait for one before them: a bound for memory.
    private static let window = 16 * Parallel.threads

    /// Photographs that a thread takes at once. With three captions kept in the search of each, the decoder's products
    /// have up to 12 rows, which take hardly longer than three and are the same to the last bit.
    private static let group = 4

    /// Pixels from which on a thread holds no further photograph: large ones are explained one at a time.
    private static let pixelsAtOnce = DecodedImage.mostPixels / 2

    init(
        _ batch: BatchRequest, _ folder: BatchFolder?, _ sources: PhotoSources, total: Int?,
        progress report: @escaping (BatchProgress) -> Void
    ) {
        (self.batch, self.folder, self.sources) = (batch, folder, sources)
        self.report = report
        progress.total = total
        progress.done = folder?.checkpoint.photographs ?? 0
        progress.failed = folder?.checkpoint.failed ?? 0
    }

    /// The next photographs, each with its place among those that this run takes; none at the end.
    func next() -> [(item: PhotoItem, place: Int)] {
        lock.withLock {
            while failure == nil && taken - written >= Self.window { lock.wait() }
        }
        // A lock of their own: who waits for the next name on standard input does not keep others from writing.
        sourcesLock.lock()
        defer { sourcesLock.unlock() }
        var group: [(item: PhotoItem, place: Int)] = []
        while group.count < Self.group, group.isEmpty || sources.hasNextAtOnce {
            if isAtEnd || Interruption.isAsked || lock.withLock({ failure != nil }) { break }
            guard let item = sources.next(), !Interruption.isAsked else {
                isAtEnd = !Interruption.isAsked
                break
            }
            lock.withLock {
                group.append((item, taken))
                taken += 1
            }
        }
        return group
    }

    /// Explains photographs and writes their records when those before them are written.
    func record<Request, Columns: RecordColumns>(
        _ group: [(item: PhotoItem, place: Int)], request: (OwnRequest) throws -> Request,
        explain: ([PhotoTask<Request>]) -> [Result<PhotoOutcome<Columns>, any Error>]
    ) {
        var rest = group[...]
        while !rest.isEmpty {
            let began = DispatchTime.now()
            var read: [Result<PhotoTask<Request>, any Error>] = [], pixels = 0
            while let taken = rest.first, pixels < Self.pixelsAtOnce {
                rest = rest.dropFirst()
                read.append(
                    Result {
                        PhotoTask(
                            photo: try taken.item.read(batch.limits), request: try request(taken.item.own),
                            files: try files(of: taken.item))
                    })
                if let photo = try? read.last?.get().photo.image { pixels += photo.width * photo.height }
            }
            var outcomes = explain(read.compactMap { try? $0.get() })[...]
            // Photographs that are explained together share their time.
            let time =
                Double(DispatchTime.now().uptimeNanoseconds - began.uptimeNanoseconds) / 1e6 / Double(read.count)
            for (taken, read) in zip(group.dropLast(rest.count).suffix(read.count), read) {
                let outcome = read.flatMap { _ in outcomes.popFirst() ?? .failure(CancellationError()) }
                var record = Finished(index: taken.item.index)
                do {
                    record = try finished(
                        taken.item, try? read.get().photo.description, outcome, milliseconds: time)
                } catch {
                    record.end = error
                }
                do { try write(record, place: taken.place) } catch { return stop(error) }
            }
        }
    }

    /// Ends the work.
    private func stop(_ error: any Error) {
        lock.lock()
        if failure == nil { failure = error }
        lock.broadcast()
        lock.unlock()
    }

    /// - Parameter photo: nil for a photograph that could not be read.
    /// - Throws: an error that is not this photograph's alone.
    private func finished<Columns: RecordColumns>(
        _ item: PhotoItem, _ photo: ManifestPhoto?, _ outcome: Result<PhotoOutcome<Columns>, any Error>,
        milliseconds: Double
    ) throws -> Finished {
        var record = PhotoRecord<Columns>(index: item.index, image: item.name)
        var finished = Finished(index: item.index)
        (record.sha256, record.width, record.height) = (photo?.sha256, photo?.width, photo?.height)
        switch outcome {
        case .success(let outcome):
            record.columns = outcome.columns
            record.warnings = outcome.warnings
            record.trainingDistance = outcome.header.trainingDistance?.distance
            let maps = outcome.maps.map { name, maps in
                (name: ([BatchFolder.digits(item.index, 9)] + name).joined(separator: "-"), array: maps)
            }.filter { $0.array.shape[0] > 0 }
            if maps.isEmpty { break }
            guard let folder else {
                record.mapValues = Dictionary(uniqueKeysWithValues: maps.map { ($0.name, EncodedMaps($0.array)) })
                break
            }
            if !batch.hasMapFiles {
                record.maps = folder.archiveName(of: item.index)
                finished.maps = maps
            }
        case .failure(let error):
            guard let known = error as? any UserFacingError, Self.isOfPhotograph(known, own: item.own), !batch.isStrict
            else { throw error }
            let image = known as? ImageError
            record.error = image?.problem ?? known.description
            record.errorKind = image?.kind.rawValue ?? "\(type(of: known).failureCode)"
            finished.isFailed = true
        }
        finished.lines[BatchFolder.results] = try JSON.line(record) + "\n"
        if batch.hasTable { finished.lines[BatchFolder.table] = Self.row(record) }
        finished.lines[BatchFolder.times] =
            "{\"index\":\(item.index),\"milliseconds\":\(String(format: "%.1f", milliseconds))}\n"
        return finished
    }

    /// Whether an error is one photograph's, and no other's.
    private static func isOfPhotograph(_ error: any UserFacingError, own: OwnRequest) -> Bool {
        switch type(of: error).failureCode {
        case .image: true
        case .request:
            // What is asked of all photographs fails for all of them, unless a caption does not have it.
            own != OwnRequest() || (error as? ExplanationError)?.kind == .noSuchOccurrence
        default: false
        }
    }

    private func files(of item: PhotoItem) throws -> ResultFiles? {
        guard let folder, batch.hasMapFiles || batch.hasImages else { return nil }
        let place = "files/\(BatchFolder.digits(item.index / 1000, 6))"
        lock.lock()
        let isNew = places.insert(place).inserted
        lock.unlock()
        if isNew { try AtomicFile.makeFolder(folder.url.appendingPathComponent(place)) }
        return ResultFiles(
            folder.url, place: place, prefix: "\(BatchFolder.digits(item.index, 9))-",
            hasRawMaps: batch.hasMapFiles, hasImages: batch.hasImages)
    }

    /// A row of the table: the flat columns, as RFC 4180 quotes them.
    private static func row(_ record: PhotoRecord<some RecordColumns>) -> String {
        let values =
            [
                "\(record.index)", record.image, record.sha256, record.width.map(String.init),
                record.height.map(String.init),
            ]
            + record.columns.flat.map(\.value) + ["\(record.warnings.count)", record.error]
        return values.map { value in
            let special = [",", "\"", "\n", "\r"] as Set<Unicode.Scalar>
            guard let value, value.unicodeScalars.contains(where: special.contains) else { return value ?? "" }
            return "\"" + value.replacingOccurrences(of: "\"", with: "\"\"") + "\""
        }.joined(separator: ",") + "\n"
    }

    private func write(_ finished: Finished, place: Int) throws {
        lock.lock()
        defer {
            lock.broadcast()
            lock.unlock()
        }
        waiting[place] = finished
        while failure == nil, let next = waiting.removeValue(forKey: written) {
            if let end = next.end { throw end }
            try folder?.append(index: next.index, lines: next.lines, maps: next.maps, isFailed: next.isFailed)
            try batch.line?(next.lines[BatchFolder.results] ?? "")
            written += 1
            progress.done += 1
            progress.written += 1
            if next.isFailed { progress.failed += 1 }
            progress.seconds = Date().timeIntervalSince(start)
            report(progress)
        }
    }

    /// Brings what is written to the disk, also where an error ended the work.
    /// - Throws: that error, or `AtomicFileError`.
    func finish() throws -> BatchProgress {
        if let failure {
            try? folder?.finish(isComplete: false)
            throw failure
        }
        try folder?.finish(isComplete: isAtEnd)
        progress.passedOver = sources.passedOver
        if !isAtEnd { progress.interruption = Interruption.signal }
        return progress
    }
}
