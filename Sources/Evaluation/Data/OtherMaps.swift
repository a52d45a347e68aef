import Foundation
import Tasks
import Tensors
import Weights

/// A folder with other tools' maps of phrases: `maps.tsv` (`PhraseMapList`), and one `.npy` file for each map.
///
/// A map `[rows, columns]` covers the whole photograph. It is enlarged or reduced to the photograph's size by the rule
/// of mmx's own maps (bilinear), and it is not smoothed.
struct OtherMaps: Sendable {
    /// The name of the list in the folder.
    static let list = "maps.tsv"

    let folder: URL
    private let maps: PhraseMapList

    /// The names of the methods, in the order of the list.
    var methods: [String] { maps.methods }

    /// Reads the list, not the maps.
    /// - Throws: `DatasetError` for a list that cannot be used.
    init(_ folder: URL) throws {
        self.folder = folder
        maps = try PhraseMapList(folder.appendingPathComponent(Self.list))
    }

    /// Checks that each phrase has a map by each method, before anything is measured.
    /// - Parameter own: the names of the table's other rows.
    /// - Throws: `DatasetError` with the first missing maps, or for a method that is named as another row.
    func check(_ phrases: [(phrase: Phrase, row: Int)], own: [String]) throws {
        let list = folder.appendingPathComponent(Self.list).path
        if let taken = methods.first(where: own.contains) {
            throw DatasetError(
                path: list, problem: "has a method '\(taken)', the name of a row of mmx's own; give it another name")
        }
        var missing: [String] = []
        for (phrase, row) in phrases {
            for method in methods {
                let file = maps.files[Self.place(phrase, row: row)]?[method]
                let isThere = file.map {
                    FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
                }
                if isThere == true { continue }
                let what =
                    "\"\(phrase.words.joined(separator: " "))\" in \(phrase.image) (caption row \(row), first "
                    + "word \(phrase.first), \(phrase.count) word\(phrase.count == 1 ? "" : "s"))"
                missing.append("\(method) of \(what)" + (file.map { ": there is no file \($0)" } ?? ""))
            }
        }
        guard let first = missing.first else { return }
        let rest = missing.count > 1 ? "; \(missing.count) maps are missing in all" : ""
        throw DatasetError(path: list, problem: "has no map by \(first)\(rest)")
    }

    /// The maps of one phrase.
    /// - Parameters:
    ///   - phrase: one that ``check(_:own:)`` has found maps of.
    ///   - row: the index of its caption.
    ///   - score: the index of the confidence that the maps explain.
    /// - Throws: `NumPyArrayError` for a file that cannot be read, `DatasetError` for an array that is no map.
    func maps(of phrase: Phrase, row: Int, score: Int) throws -> [MapTarget.Map] {
        let files = maps.files[Self.place(phrase, row: row)] ?? [:]
        return try methods.compactMap { method in
            guard let file = files[method] else { return nil }
            return MapTarget.Map(method: method, score: score, raw: try map(file), coversPhotograph: true)
        }
    }

    private func map(_ file: String) throws -> Tensor {
        let url = folder.appendingPathComponent(file), map = try NumPyArray.read(url)
        guard map.shape.count == 2, map.shape.allSatisfy({ (1...Self.longestSide).contains($0) }) else {
            throw DatasetError(
                path: url.path,
                problem:
                    "has the shape \(map.shape); a map has two sides, rows and columns, of 1 to \(Self.longestSide)")
        }
        let strange = map.array.count { !$0.isFinite }
        guard strange == 0 else {
            let what = strange == 1 ? "a value that is" : "\(strange) values that are"
            throw DatasetError(path: url.path, problem: "holds \(what) not finite (NaN or infinity)")
        }
        return map
    }

    private static let longestSide = 16384

    private static func place(_ phrase: Phrase, row: Int) -> PhraseMapList.Place {
        .init(image: phrase.image, captionRow: row, first: phrase.first, count: phrase.count)
    }
}
