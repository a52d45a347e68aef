import Foundation
import Tensors

extension NumPyArray {
    /// The arrays of a `.npz` file (a zip archive of `.npy` files) as `numpy.savez` and `numpy.savez_compressed` write
    /// it, by their names.
    /// - Throws: ``NumPyArrayError`` that names the array.
    public static func readArchive(_ url: URL) throws -> [String: Tensor] {
        try readArchive(NumPyArrayError.naming(url) { try MappedFile(url) }, at: url)
    }

    /// The same of a file that is mapped already.
    static func readArchive(_ file: MappedFile, at url: URL) throws -> [String: Tensor] {
        try NumPyArrayError.naming(url) {
            Dictionary(try arrays(file), uniquingKeysWith: { _, last in last })
        }
    }

    /// The same in the order of the file. The arrays' elements are read when they are first used.
    /// - Throws: ``NumPyArrayError``.
    public static func readArchiveInOrder(_ url: URL) throws -> [(name: String, array: Tensor)] {
        try NumPyArrayError.naming(url) { try arrays(MappedFile(url)).map { (name: $0, array: $1) } }
    }

    private static func arrays(_ file: MappedFile) throws -> [(String, Tensor)] {
        let archive = try ZipArchive(file)
        var result: [(String, Tensor)] = []
        for name in archive.names {
            guard name.hasSuffix(".npy"), let bytes = try archive.contents(name) else {
                throw FileProblem("is a zip archive with '\(name)', which is no .npy file")
            }
            do { result.append((String(name.dropLast(4)), try read(bytes, keeper: file))) } catch let problem
                as FileProblem
            {
                throw FileProblem("has the array '\(name)', which \(problem.text)")
            }
        }
        return result
    }
}
