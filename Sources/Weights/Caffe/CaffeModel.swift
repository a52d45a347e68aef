import Foundation
import SwiftProtobuf
import Tensors

/// The blobs of a `.caffemodel` (BVLC Caffe's `NetParameter`; caffe.proto): `<layer>.weight` and `<layer>.bias`, and
/// `<layer>.2`... where a layer has more. Shapes are Caffe's: OIHW, which is PyTorch's too.
public enum CaffeModel {
    /// The tensors of the file at `url`.
    /// - Throws: ``WeightsFileError``.
    public static func read(_ url: URL) throws -> [String: Tensor] {
        do {
            let file = try MappedFile(url)
            return try withExtendedLifetime(file) { try read(file.bytes) }
        } catch let problem as FileProblem {
            throw WeightsFileError(path: url.path, problem: problem.text)
        }
    }

    /// True where the file begins as a `NetParameter` does: its name, a layer, or an input's name.
    static func looksLike(_ bytes: UnsafeRawBufferPointer) -> Bool {
        [0x0A, 0x12, 0x1A].contains(bytes[0]) || bytes.starts(with: [0xA2, 0x06])
    }

    private static func read(_ bytes: UnsafeRawBufferPointer) throws -> [String: Tensor] {
        // Fields other than weights are dropped, so that the file's size bounds the memory.
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        guard let start = bytes.baseAddress else { throw FileProblem("is empty") }
        let data = Data(
            bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: bytes.count, deallocator: .none)
        let net: Caffe_NetParameter
        do { net = try Caffe_NetParameter(serializedBytes: data, options: options) } catch {
            switch error as? BinaryDecodingError {
            case .truncated:
                throw FileProblem("is no whole Caffe model: it ends too early; was the download cut short?")
            case .invalidUTF8: throw FileProblem("has a layer's name that is not UTF-8")
            default: throw FileProblem("is damaged, or no Caffe model: its protocol buffers cannot be read (\(error))")
            }
        }
        if net.layer.isEmpty && net.layers.isEmpty { throw FileProblem("is no Caffe model: it has no layers") }
        var result: [String: Tensor] = [:]
        for layer in net.layer { try add(layer.blobs, of: layer.name, to: &result) }
        for layer in net.layers { try add(layer.blobs, of: layer.name, to: &result) }
        return result
    }

    private static func add(_ blobs: [Caffe_BlobProto], of layer: String, to result: inout [String: Tensor]) throws {
        guard layer.utf8.count <= 1024 else { throw FileProblem("has a layer's name that is longer than 1,024 bytes") }
        for (index, blob) in blobs.enumerated() {
            let key = "\(layer).\(index == 0 ? "weight" : index == 1 ? "bias" : String(index))"
            if result.updateValue(try tensor(blob, key), forKey: key) != nil {
                throw FileProblem("has two blobs of the name '\(key)'")
            }
        }
    }

    private static func tensor(_ blob: Caffe_BlobProto, _ name: String) throws -> Tensor {
        let shape = shape(of: blob)
        guard shape.count <= 64 else { throw FileProblem("has the blob '\(name)' of more than 64 axes") }
        guard shape.allSatisfy({ $0 >= 0 }), let count = elementCount(shape) else {
            throw FileProblem("has the blob '\(name)' of the impossible shape \(shape)")
        }
        if !blob.data.isEmpty && !blob.doubleData.isEmpty {
            throw FileProblem("has the blob '\(name)' in single and in double precision")
        }
        let given = blob.data.count + blob.doubleData.count
        guard given == count else {
            throw FileProblem("has the blob '\(name)' of shape \(shape), \(count) elements, but holds \(given)")
        }
        return Tensor(shape, blob.doubleData.isEmpty ? blob.data : blob.doubleData.map { Float($0) })
    }

    private static func shape(of blob: Caffe_BlobProto) -> [Int] {
        if blob.hasShape { return blob.shape.dim.map { Int($0) } }
        // Blobs from before 2015 always have four axes; a bias is 1x1x1xC, a linear layer's matrix 1x1xOxI.
        func size(_ has: Bool, _ value: Int32) -> Int { has ? Int(value) : 1 }
        let old = [
            size(blob.hasNum, blob.num), size(blob.hasChannels, blob.channels), size(blob.hasHeight, blob.height),
            size(blob.hasWidth, blob.width),
        ]
        return old[0] == 1 && old[1] == 1 ? (old[2] == 1 ? [old[3]] : [old[2], old[3]]) : old
    }
}
