import Foundation
import Tensors

extension NumPyArray {
    /// The arrays of a `.npz` file as `numpy.savez` writes it (a zip archive of `.npy` files, not compressed), by their
    /// names.
    /// - Throws: ``NumPyArrayError`` that names the array.
    public static func readArchive(_ url: URL) throws -> [String: Tensor] {
        do {
            let file = try MappedFile(url)
            return try withExtendedLifetime(file) {
                let archive = try ZipArchive(file.bytes)
                var result: [String: Tensor] = [:]
                for name in archive.names {
                    guard name.hasSuffix(".npy"), let bytes = archive[name] else {
                        throw FileProblem("is a zip archive with '\(name)', which is no .npy file")
                    }
                    do { result[String(name.dropLast(4))] = try read(bytes, keeper: file) } catch let problem
                        as FileProblem
                    {
                        throw FileProblem("has the array '\(name)', which \(problem.text)")
                    }
                }
                return result
            }
        } catch let problem as FileProblem {
            throw NumPyArrayError(path: url.path, problem: problem.text)
        }
    }
}
