import Foundation
import Support
import Tensors

/// A file of weights in an unknown format, or a damaged one.
public typealias WeightsFileError = FileError<WeightsFile>

/// The named tensors of a file, whatever program wrote it. The file's first bytes decide the format, not its name.
public struct WeightsFile: Sendable {
    public enum Format: String, Codable, Sendable {
        case safetensors
        /// `torch.save`, or a pickle of PyTorch tensors or NumPy arrays.
        case pytorch
        /// `numpy.savez`.
        case npz
        case caffe
    }

    public let format: Format
    /// In the file's own layouts and under its own names.
    public let tensors: [String: Tensor]
    /// Names of tensors that were left out because they hold no real numbers (counters, masks).
    public let leftOut: [String]

    /// Reads the file at `url`. Tensors borrow the mapped file where they can.
    /// - Throws: ``WeightsFileError``, ``CheckpointError``, ``SafeTensorsError`` or ``NumPyArrayError``, each naming
    /// the file.
    public init(_ url: URL) throws {
        format = try Self.format(of: url)
        switch format {
        case .safetensors:
            let tensors = try SafeTensors.read(url, skippingOtherTypes: true)
            self.tensors = tensors
            leftOut = try SafeTensors.names(url).filter { tensors[$0] == nil }
        case .pytorch:
            let checkpoint = try PyTorchCheckpoint(url)
            tensors = checkpoint.tensors
            leftOut = checkpoint.leftOut.map(\.name)
        case .npz:
            tensors = try NumPyArray.readArchive(url)
            leftOut = []
        case .caffe:
            tensors = try CaffeModel.read(url)
            leftOut = []
        }
        if tensors.isEmpty { throw WeightsFileError(path: url.path, problem: "holds no tensor of real numbers") }
    }

    private static func format(of url: URL) throws -> Format {
        do {
            let file = try MappedFile(url)
            return try withExtendedLifetime(file) { try format(of: file.bytes) }
        } catch let problem as FileProblem {
            throw WeightsFileError(path: url.path, problem: problem.text)
        }
    }

    private static func format(of bytes: UnsafeRawBufferPointer) throws -> Format {
        func begins(_ text: String) -> Bool { bytes.starts(with: text.utf8) }
        if begins("PK") {
            let archive = try ZipArchive(bytes)
            return !archive.names.isEmpty && archive.names.allSatisfy { $0.hasSuffix(".npy") } ? .npz : .pytorch
        }
        if bytes[0] == Opcode.proto.rawValue { return .pytorch }
        if bytes.count > 8, bytes[8] == UInt8(ascii: "{") { return .safetensors }
        if begins("version https://git-lfs") {
            throw FileProblem(
                "is a Git LFS pointer, a text that stands for the file: fetch the file itself (git lfs pull)")
        }
        if begins("<") { throw FileProblem("is a web page, not a file of weights: download the file itself") }
        if bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) {
            throw FileProblem("is an HDF5 (Keras) file, which is not read: save it as safetensors or .npz")
        }
        if CaffeModel.looksLike(bytes) { return .caffe }
        throw FileProblem(
            "is in none of the formats that can be read: PyTorch's .pth, safetensors, NumPy's .npz, "
                + "a pickle of arrays, Caffe's .caffemodel")
    }
}

extension WeightsFile: FileErrorSubject {
    public static let messageStart = "weights file "
    public static let messageSeparator = " "
}
