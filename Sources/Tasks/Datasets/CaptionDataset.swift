import Foundation

/// Pictures with what people wrote about them.
public final class CaptionDataset: Sendable {
    public struct Entry: Equatable, Sendable {
        /// The file's name in the image folder.
        public let image: String
        /// At least one, in the file's order.
        public let captions: [String]
    }

    /// In the split's order; without a split, in the order of first appearance in the captions file.
    public let entries: [Entry]
    private let images: URL

    /// Reads a data set and checks that every picture of it is there.
    /// - Parameters:
    ///   - images: the folder of the pictures.
    ///   - captions: CSV, header `image,caption`; quoting as in RFC 4180, an unquoted caption running to its line's
    ///     end.
    ///   - split: the names of the pictures to use, one a line; nil uses all.
    /// - Throws: ``DatasetError`` that names the file and the line.
    public init(images: URL, captions: URL, split: URL?) throws {
        self.images = images
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: images.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw DatasetError(path: images.path, problem: "the image folder is missing, or is no folder")
        }
        var order: [String] = []
        var byImage: [String: [String]] = [:]
        for row in try CaptionsFile.rows(Self.read(captions), path: captions.path) {
            try Self.check(name: row.image, path: captions.path, line: row.line)
            if byImage[row.image] == nil { order.append(row.image) }
            byImage[row.image, default: []].append(row.caption)
        }
        guard !order.isEmpty else { throw DatasetError(path: captions.path, problem: "has no captions") }
        let chosen = try split.map { try Self.names($0, among: byImage, captions: captions) } ?? order
        entries = chosen.map { Entry(image: $0, captions: byImage[$0] ?? []) }
        try checkImages()
    }

    /// Where a picture of the data set is.
    public func imageURL(_ image: String) -> URL { images.appendingPathComponent(image) }

    // MARK: Reading

    private static func read(_ url: URL) throws -> Data {
        do { return try Data(contentsOf: url) } catch {
            let exists = FileManager.default.fileExists(atPath: url.path)
            throw DatasetError(path: url.path, problem: exists ? "is not a readable file" : "is missing")
        }
    }

    private static func names(_ split: URL, among captions: [String: [String]], captions file: URL) throws -> [String] {
        var names: [String] = []
        var lines: [String: Int] = [:]
        for (index, bytes) in try read(split).split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let line = index + 1
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw DatasetError(path: split.path, line: line, problem: "is not valid UTF-8")
            }
            var name = text.trimmingCharacters(in: .whitespacesAndNewlines)
            if index == 0, name.unicodeScalars.first == "\u{FEFF}" { name.unicodeScalars.removeFirst() }
            if name.isEmpty { continue }
            try check(name: name, path: split.path, line: line)
            if let first = lines.updateValue(line, forKey: name) {
                throw DatasetError(path: split.path, line: line, problem: "\(name) is there already, on line \(first)")
            }
            guard captions[name] != nil else {
                throw DatasetError(path: split.path, line: line, problem: "\(name) has no captions in \(file.path)")
            }
            names.append(name)
        }
        guard !names.isEmpty else {
            throw DatasetError(path: split.path, problem: "the split is empty: it names no image")
        }
        return names
    }

    /// A name must stay inside the image folder.
    private static func check(name: String, path: String, line: Int) throws {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let leaves =
            name.utf8.count > 1024 || name.unicodeScalars.contains { $0.value < 0x20 }
            || parts.contains { $0.isEmpty || $0 == "." || $0 == ".." }
        if leaves {
            let shown = String(name.prefix(80)).debugDescription
            throw DatasetError(
                path: path, line: line, problem: "\(shown) is no name of an image inside the image folder")
        }
    }

    private func checkImages() throws {
        let missing = entries.map { imageURL($0.image).path }.filter { !FileManager.default.fileExists(atPath: $0) }
        guard let first = missing.first else { return }
        let others = missing.count == 1 ? "" : " (\(missing.count) of the \(entries.count) images are)"
        throw DatasetError(path: first, problem: "the image is missing\(others)")
    }
}
