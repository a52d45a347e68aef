import Foundation
import Support

/// What a run computed, and what became of its files.
///
/// The result is computed first and written then. Where the files cannot be written, the result is still there, and the
/// error stands beside it.
public struct RunResult<Body: ManifestBody>: Encodable, Sendable {
    /// The result. It names no files where they could not be written.
    public let manifest: Manifest<Body>
    /// The folder of the files that the manifest names; nil where none was written.
    public let folder: URL?
    /// Why the files could not be written; nil where they were, and where none was to be written.
    public let failure: (any Error)?
    /// Where the time of the run went, for ``json()``.
    public var timings: Timings.Report?

    init(_ manifest: Manifest<Body>, folder: URL? = nil, failure: (any Error)? = nil) {
        self.manifest = manifest
        self.folder = folder
        self.failure = failure
    }

    /// Describes a run with its files, or without any where they cannot be written.
    /// - Parameters:
    ///   - manifest: the run's header, and the body as far as it is known before the files.
    ///   - folder: the folder of the files.
    ///   - name: the name of the manifest's file, without `.json`.
    ///   - describe: completes the body. It writes the files of which it is given the names, and none where it is given
    ///     nil.
    /// - Throws: what `describe` throws without files.
    init(
        _ manifest: Manifest<Body>, into folder: URL, name: String,
        describe: (inout Body, ResultFiles?) throws -> Void
    ) throws {
        do {
            var written = manifest
            let results = try Timings.measure(.files) {
                try ResultFiles(folder, request: manifest.request, manifest: name)
            }
            try describe(&written.body, results)
            try Timings.measure(.files) { try written.write(to: results.manifest()) }
            self.init(written, folder: folder)
        } catch {
            var told = manifest
            try describe(&told.body, nil)
            self.init(told, failure: error)
        }
    }

    /// The manifest of a run whose files are all there.
    /// - Throws: ``failure``.
    public func written() throws -> Manifest<Body> {
        if let failure { throw failure }
        return manifest
    }

    /// The whole path of a file that the manifest names.
    public func path(of name: String) -> String { folder?.appendingPathComponent(name).path ?? name }

    /// The manifest as a program gets it on standard output: with ``folder`` and ``timings``, which the file lacks.
    /// Pretty-printed, keys sorted.
    public func json() throws -> String { try JSON.pretty(self) }

    private enum CodingKeys: CodingKey { case folder, timings }

    /// Writes the manifest, the folder's absolute path and the timings into one object.
    public func encode(to encoder: any Swift.Encoder) throws {
        try manifest.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encodeIfPresent(folder?.absoluteURL.path, forKey: .folder)
        try values.encodeIfPresent(timings, forKey: .timings)
    }
}
