import Foundation

/// Images with their captions.
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
    /// The names of the image folder and of the files that it was read from.
    let names: [String]

    /// Reads a data set and checks that every image of it is there.
    /// - Parameters:
    ///   - images: the folder of the images.
    ///   - captions: a file as ``CaptionsFile`` describes.
    ///   - split: the names of the images to use (``ImageList``); nil uses all.
    /// - Throws: ``DatasetError`` that names the file and the line.
    public init(images: URL, captions: URL, split: URL?) throws {
        self.images = images
        names = ([images, captions] + (split.map { [$0] } ?? [])).map(\.lastPathComponent)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: images.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw DatasetError(path: images.path, problem: "the image folder is missing, or is no folder")
        }
        var order: [String] = []
        var byImage: [String: [String]] = [:]
        for row in try CaptionsFile.read(captions) {
            if let fault = DatasetFile.fault(ofImage: row.image) {
                throw DatasetError(path: captions.path, line: row.line, problem: fault)
            }
            if byImage[row.image] == nil { order.append(row.image) }
            byImage[row.image, default: []].append(row.caption)
        }
        guard !order.isEmpty else { throw DatasetError(path: captions.path, problem: "has no captions") }
        let known = byImage
        let chosen =
            try split.map {
                try ImageList.read($0) { known[$0] == nil ? "\($0) has no captions in \(captions.path)" : nil }
            } ?? order
        entries = chosen.map { Entry(image: $0, captions: known[$0] ?? []) }
        try checkImages()
    }

    /// The file of an image of the data set.
    public func imageURL(_ image: String) -> URL { images.appendingPathComponent(image) }

    private func checkImages() throws {
        let missing = entries.map { imageURL($0.image).path }.filter { !FileManager.default.fileExists(atPath: $0) }
        guard let first = missing.first else { return }
        let others = missing.count == 1 ? "" : " (\(missing.count) of the \(entries.count) images are)"
        throw DatasetError(path: first, problem: "the image is missing\(others)")
    }
}
