import Foundation

/// A file with names of images, one a line: a split of a data set.
public enum ImageList {
    /// The names, each once, in the file's order.
    /// - Parameter problem: the problem of a well-formed name, such as an unknown image; nil for a good name.
    /// - Throws: ``DatasetError`` with the line.
    public static func read(_ url: URL, problem: (String) -> String? = { _ in nil }) throws -> [String] {
        var names: [String] = []
        var lines: [String: Int] = [:]
        try DatasetFile.lines(DatasetFile.data(url, of: "image names"), path: url.path) { line, number in
            let name = line.trimmingCharacters(in: .whitespaces)
            let repeated = lines.updateValue(number, forKey: name).map { "\(name) is there already, on line \($0)" }
            if let problem = DatasetFile.fault(ofImage: name) ?? repeated ?? problem(name) {
                throw DatasetError(path: url.path, line: number, problem: problem)
            }
            names.append(name)
        }
        if names.isEmpty { throw DatasetError(path: url.path, problem: "the split is empty: it names no image") }
        return names
    }
}
