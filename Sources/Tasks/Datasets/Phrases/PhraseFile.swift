import Foundation
import Vision

/// A phrase of a caption with its boxes in the image (Flickr30k Entities, Plummer et al. 2015).
public struct Phrase: Equatable, Sendable {
    public var image: String
    /// The index of its first word in ``caption``.
    public var first: Int
    /// The number of its words, at least 1.
    public var count: Int
    /// Phrases of one image with the same chain refer to the same thing.
    public var chain: Int
    /// "people", "clothing", "animals"...; some phrases have several.
    public var types: [String]
    /// In pixels of the image file.
    public var boxes: [Rectangle]
    /// The caption's words, lower case, punctuation among them.
    public var caption: [String]
    /// The index of its caption among the image's captions; nil where they do not have it.
    public var captionRow: Int?

    public var words: ArraySlice<String> { caption[first..<(first + count)] }
}

/// A file of phrases: tab-separated, a header line, then `image`, `caption row`, `first word`, `number of words`,
/// `chain`, `types` joined by `/`, `phrase`, `boxes` (`x0,y0,x1,y1` joined by `;`, pixels of the image file; may be
/// empty), `caption` with spaces between its words. The caption row is counted from 0; it is -1 where the image's
/// captions do not have this one.
public enum PhraseFile {
    /// The phrases of the images in `images`, in the file's order. Rows of other images are not checked.
    /// - Throws: ``DatasetError`` with the line.
    public static func read(_ url: URL, images: Set<String>) throws -> [Phrase] {
        let path = url.path
        var phrases: [Phrase] = []
        var header: [String]?
        let bytes = [UInt8](try DatasetFile.data(url, of: "phrases"))
        var line = 0
        for row in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            line += 1
            var fields = row.split(separator: 0x09, omittingEmptySubsequences: false)
            if fields.count == 1, fields[0].allSatisfy({ $0 == 0x20 || $0 == 0x0D }) { continue }
            guard fields.count == 9 else {
                throw DatasetError(
                    path: path, line: line,
                    problem: "has \(fields.count) field\(fields.count == 1 ? "" : "s"), expected 9 with tabs between: "
                        + "image, caption row, first word, number of words, chain, types, phrase, boxes, caption")
            }
            if fields[8].last == 0x0D { fields[8].removeLast() }
            func text(_ index: Int) throws -> String {
                guard let text = String(validating: fields[index], as: UTF8.self) else {
                    throw DatasetError(path: path, line: line, problem: "is not valid UTF-8")
                }
                return text
            }
            if header == nil {
                header = [try text(0)]
                guard header?[0].hasSuffix("image") == true else {
                    throw DatasetError(
                        path: path, line: line,
                        problem: "the header must begin with 'image', found \(DatasetFile.quoted(try text(0)))")
                }
                continue
            }
            let image = try text(0)
            guard images.contains(image) else { continue }
            func number(_ index: Int, _ name: String, in range: ClosedRange<Int>) throws -> Int {
                let found = try text(index)
                guard let value = Int(found), range.contains(value) else {
                    throw DatasetError(
                        path: path, line: line,
                        problem: "the \(name) is \(DatasetFile.quoted(found)), expected a whole number in "
                            + "\(range.lowerBound)...\(range.upperBound)")
                }
                return value
            }
            let caption = try text(8).lowercased().split(separator: " ").map(String.init)
            guard !caption.isEmpty else { throw DatasetError(path: path, line: line, problem: "the caption is empty") }
            let first = try number(2, "first word", in: 0...(caption.count - 1))
            let count = try number(3, "number of words", in: 1...(caption.count - first))
            let row = try number(1, "caption row", in: -1...Int(Int32.max))
            phrases.append(
                Phrase(
                    image: image, first: first, count: count, chain: try number(4, "chain", in: 0...Int(Int32.max)),
                    types: try text(5).split(separator: "/").map(String.init),
                    boxes: try boxes(try text(7), path: path, line: line), caption: caption,
                    captionRow: row < 0 ? nil : row))
        }
        if header == nil { throw DatasetError(path: path, problem: "the file of phrases is empty") }
        return phrases
    }

    private static func boxes(_ text: String, path: String, line: Int) throws -> [Rectangle] {
        try text.split(separator: ";").map { box in
            let sides = box.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
            guard sides.count == 4, sides.allSatisfy(\.isFinite), sides[0] <= sides[2], sides[1] <= sides[3] else {
                throw DatasetError(
                    path: path, line: line,
                    problem: "\(DatasetFile.quoted(String(box))) is no box; one is x0,y0,x1,y1 in pixels")
            }
            return Rectangle(x0: sides[0], y0: sides[1], x1: sides[2], y1: sides[3])
        }
    }
}
