import Foundation
import Tensors

/// The blobs of a `.caffemodel` (BVLC Caffe's `NetParameter`; caffe.proto): `<layer>.weight` and `<layer>.bias`, and
/// `<layer>.2`... where a
/// layer has more. Shapes are Caffe's: OIHW, which is PyTorch's too.
public enum CaffeModel {
    /// caffe.proto's field numbers, of the few messages that hold weights.
    private enum Field {
        /// NetParameter: the newer layers, and those of before 2014 (V1LayerParameter).
        static let layer = 100, layers = 2
        /// LayerParameter: its name and blobs; V1LayerParameter: the same.
        static let name = 1, blobs = 7, oldName = 4, oldBlobs = 6
        /// BlobProto.
        static let number = 1, channels = 2, height = 3, width = 4, data = 5, shape = 7, doubles = 8
        /// BlobShape.
        static let dimension = 1
    }

    /// The tensors of the file at `url`.
    /// - Throws: ``WeightsFileError``.
    public static func read(_ url: URL) throws -> [String: Tensor] {
        do {
            let file = try MappedFile(url)
            return try withExtendedLifetime(file) { try read(file) }
        } catch let problem as FileProblem {
            throw WeightsFileError(path: url.path, problem: problem.text)
        }
    }

    /// True where the file begins as a `NetParameter` does: its name, a layer, or an input's name.
    static func looksLike(_ bytes: UnsafeRawBufferPointer) -> Bool {
        [0x0A, 0x12, 0x1A].contains(bytes[0]) || bytes.starts(with: [0xA2, 0x06])
    }

    private static func read(_ file: MappedFile) throws -> [String: Tensor] {
        var net = ProtocolBuffer(file.bytes)
        var result: [String: Tensor] = [:]
        var layers = 0
        while let (field, value) = try net.next() {
            guard field == Field.layer || field == Field.layers, case .bytes(let message) = value else { continue }
            layers += 1
            try readLayer(message, isOld: field == Field.layers, file, into: &result)
        }
        if layers == 0 { throw FileProblem("is no Caffe model: it has no layers") }
        return result
    }

    private static func readLayer(
        _ message: UnsafeRawBufferPointer, isOld: Bool, _ file: MappedFile, into result: inout [String: Tensor]
    ) throws {
        var layer = ProtocolBuffer(message)
        var name = ""
        var blobs: [UnsafeRawBufferPointer] = []
        while let (field, value) = try layer.next() {
            guard case .bytes(let bytes) = value else { continue }
            switch field {
            case isOld ? Field.oldName : Field.name:
                guard let text = String(validating: bytes, as: UTF8.self), text.utf8.count <= 1024 else {
                    throw FileProblem("has a layer's name that is not UTF-8 or is longer than 1,024 bytes")
                }
                name = text
            case isOld ? Field.oldBlobs : Field.blobs: blobs.append(bytes)
            default: break
            }
        }
        for (index, blob) in blobs.enumerated() {
            let key = "\(name).\(index == 0 ? "weight" : index == 1 ? "bias" : String(index))"
            if result.updateValue(try tensor(blob, key, file), forKey: key) != nil {
                throw FileProblem("has two blobs of the name '\(key)'")
            }
        }
    }

    private static func tensor(_ message: UnsafeRawBufferPointer, _ name: String, _ file: MappedFile) throws -> Tensor {
        var blob = ProtocolBuffer(message)
        var shape: [Int]?
        var old = [Int](repeating: 1, count: 4)
        var data: (type: ElementType, bytes: UnsafeRawBufferPointer)?
        var single: [Float] = []
        while let (field, value) = try blob.next() {
            switch (field, value) {
            case (Field.number...Field.width, .integer(let size)): old[field - 1] = try axis(size, name)
            case (Field.shape, .bytes(let bytes)): shape = try dimensions(bytes, name)
            case (Field.data, .bytes(let bytes)), (Field.doubles, .bytes(let bytes)):
                if data != nil { throw FileProblem("has the blob '\(name)' with its elements in several pieces") }
                data = (field == Field.data ? .float32 : .float64, bytes)
            case (Field.data, .fixed32(let bits)): single.append(Float(bitPattern: bits))
            default: break
            }
        }
        // Blobs of before 2015 have four axes always; a bias is 1x1x1xC, a linear layer's matrix 1x1xOxI.
        let found = shape ?? (old[0] == 1 && old[1] == 1 ? (old[2] == 1 ? [old[3]] : [old[2], old[3]]) : old)
        guard let count = elementCount(found) else {
            throw FileProblem("has the blob '\(name)' of the impossible shape \(found)")
        }
        let given = data.map { $0.bytes.count / $0.type.size } ?? single.count
        guard given == count, data.map({ $0.bytes.count % $0.type.size == 0 }) ?? true else {
            throw FileProblem("has the blob '\(name)' of shape \(found), \(count) elements, but holds \(given)")
        }
        if let data { return Tensor(shape: found, storage: data.type.floats(data.bytes, keeper: file)) }
        return Tensor(found, single)
    }

    private static func dimensions(_ bytes: UnsafeRawBufferPointer, _ name: String) throws -> [Int] {
        var message = ProtocolBuffer(bytes)
        var result: [Int] = []
        while let (field, value) = try message.next() {
            switch (field, value) {
            case (Field.dimension, .integer(let size)): result.append(try axis(size, name))
            case (Field.dimension, .bytes(let packed)):
                result += try ProtocolBuffer.integers(packed, atMost: 64).map { try axis($0, name) }
            default: break
            }
            if result.count > 64 { throw FileProblem("has the blob '\(name)' of more than 64 axes") }
        }
        return result
    }

    private static func axis(_ size: UInt64, _ name: String) throws -> Int {
        guard let size = Int(exactly: size) else { throw FileProblem("has the blob '\(name)' with a negative size") }
        return size
    }
}
