import Foundation

/// A list of maps of phrases, which another tool has made: tab-separated, a header line that begins with `image`, then
/// `image`, `caption row`, `first word`, `number of words` (the first four columns of a file of phrases), `method` (the
/// name of the row in the table) and `map` (the file, inside the folder of the list).
public struct PhraseMapList: Sendable {
    /// What tells a phrase from all others of a data set.
    public struct Place: Hashable, Sendable {
        public var image: String
        /// The index of its caption among the image's captions.
        public var captionRow: Int
        /// The index of its first word in the caption.
        public var first: Int
        /// The number of its words.
        public var count: Int

        /// The phrase with these words of a caption.
        public init(image: String, captionRow: Int, first: Int, count: Int) {
            (self.image, self.captionRow, self.first, self.count) = (image, captionRow, first, count)
        }
    }

    /// The methods' names, in the order in which the list first names them.
    public private(set) var methods: [String] = []
    /// The path of each phrase's map inside the folder, by method.
    public private(set) var files: [Place: [String: String]] = [:]

    private static let columns = "image, caption row, first word, number of words, method, map"

    /// Reads a list.
    /// - Throws: ``DatasetError`` with the line.
    public init(_ url: URL) throws {
        let path = url.path
        var isHeader = true
        try DatasetFile.lines(DatasetFile.data(url, of: "maps"), path: path) { text, line in
            let fields = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            if isHeader {
                guard fields[0] == "image" else {
                    throw DatasetError(
                        path: path, line: line,
                        problem: "the header must begin with 'image', found \(DatasetFile.quoted(fields[0]))")
                }
                isHeader = false
                return
            }
            guard fields.count == 6 else {
                throw DatasetError(
                    path: path, line: line,
                    problem: "has \(fields.count) field\(fields.count == 1 ? "" : "s"), expected 6 with tabs between: "
                        + Self.columns)
            }
            func number(_ index: Int, _ name: String) throws -> Int {
                guard let value = Int(fields[index]), (0...Int(Int32.max)).contains(value) else {
                    throw DatasetError(
                        path: path, line: line,
                        problem: "the \(name) is \(DatasetFile.quoted(fields[index])), expected a whole number from 0")
                }
                return value
            }
            let place = Place(
                image: fields[0], captionRow: try number(1, "caption row"), first: try number(2, "first word"),
                count: try number(3, "number of words"))
            try add(fields[5], of: place, by: fields[4], path: path, line: line)
        }
        if isHeader { throw DatasetError(path: path, problem: "the list of maps is empty") }
        if methods.isEmpty { throw DatasetError(path: path, problem: "names no map") }
    }

    private mutating func add(_ file: String, of place: Place, by method: String, path: String, line: Int) throws {
        let isName =
            !method.isEmpty && method.count <= 60
            && method.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        guard isName else {
            throw DatasetError(
                path: path, line: line,
                problem: "\(DatasetFile.quoted(method)) is no method's name; one has 1 to 60 characters without spaces")
        }
        guard DatasetFile.fault(ofImage: file) == nil else {
            throw DatasetError(
                path: path, line: line,
                problem: "\(DatasetFile.quoted(file)) is no name of a map inside the folder of the list")
        }
        if !methods.contains(method) { methods.append(method) }
        if let other = files[place, default: [:]].updateValue(file, forKey: method) {
            throw DatasetError(
                path: path, line: line,
                problem: "is a second map of this phrase by \(method); the first is \(DatasetFile.quoted(other))")
        }
    }
}
