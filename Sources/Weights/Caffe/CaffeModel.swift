import Foundation
import Tensors

/// The blobs of a `.caffemodel` (a `NetParameter` of BVLC Caffe's src/caffe/proto/caffe.proto): `<layer>.weight` and
/// `<layer>.bias`, and `<layer>.2`... where a layer has more. Shapes are Caffe's: OIHW, which is PyTorch's too.
///
/// Of that file's messages these fields are read, under their numbers there:
///
///     NetParameter      layer = 100, a LayerParameter;  layers = 2, a V1LayerParameter (before 2015)
///     LayerParameter    name = 1, blobs = 7            V1LayerParameter    name = 4, blobs = 6
///     BlobProto         data = 5 (floats), double_data = 8, shape = 7; num, channels, height, width = 1 to 4
///     BlobShape         dim = 1
public enum CaffeModel {
    /// The tensors of the file at `url`.
    /// - Throws: ``WeightsFileError``.
    public static func read(_ url: URL) throws -> [String: Tensor] {
        try read(WeightsFileError.naming(url) { try MappedFile(url) }, at: url)
    }

    /// The same of a file that is mapped already.
    static func read(_ file: MappedFile, at url: URL) throws -> [String: Tensor] {
        try WeightsFileError.naming(url) { try read(file) }
    }

    /// True where the file begins as a `NetParameter` does: its name, a layer, or an input's name.
    static func looksLike(_ bytes: UnsafeRawBufferPointer) -> Bool {
        [0x0A, 0x12, 0x1A].contains(bytes[0]) || bytes.starts(with: [0xA2, 0x06])
    }

    private static func read(_ file: MappedFile) throws -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        var layers = 0
        var net = ProtocolBuffer(file.bytes, file.budget)
        while let (field, value) = try net.next() {
            guard case .bytes(let layer) = value, field == 100 || field == 2 else { continue }
            layers += 1
            try readLayer(layer, name: field == 2 ? 4 : 1, blobs: field == 2 ? 6 : 7, file, &result)
        }
        if layers == 0 { throw FileProblem("is no Caffe model: it has no layers") }
        return result
    }

    /// - Parameters:
    ///   - nameField, blobsField: the fields' numbers, by the kind of layer.
    private static func readLayer(
        _ bytes: UnsafeRawBufferPointer, name nameField: Int, blobs blobsField: Int, _ file: MappedFile,
        _ result: inout [String: Tensor]
    ) throws {
        var name = ""
        var blobs: [UnsafeRawBufferPointer] = []
        var layer = ProtocolBuffer(bytes, file.budget)
        while let (field, value) = try layer.next() {
            guard case .bytes(let bytes) = value else { continue }
            if field == nameField {
                guard bytes.count <= 1024 else {
                    throw FileProblem("has a layer's name that is longer than 1,024 bytes")
                }
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw FileProblem("has a layer's name that is not UTF-8")
                }
                name = text
            } else if field == blobsField {
                blobs.append(bytes)
            }
        }
        for (index, blob) in blobs.enumerated() {
            let key = "\(name).\(index == 0 ? "weight" : index == 1 ? "bias" : String(index))"
            // A tensor of no elements takes memory, too.
            try file.budget.allocate(256 + key.utf8.count)
            if result.updateValue(try tensor(Blob(blob, file.budget), key, file), forKey: key) != nil {
                throw FileProblem("has two blobs of the name '\(key)'")
            }
        }
    }

    private static func tensor(_ blob: Blob, _ name: String, _ file: MappedFile) throws -> Tensor {
        guard let shape = blob.sizes else { throw FileProblem("has the blob '\(name)' of more than 64 axes") }
        guard shape.allSatisfy({ $0 >= 0 }), let count = elementCount(shape) else {
            throw FileProblem("has the blob '\(name)' of the impossible shape \(shape)")
        }
        if !blob.data.isEmpty && !blob.doubles.isEmpty {
            throw FileProblem("has the blob '\(name)' in single and in double precision")
        }
        let type = blob.doubles.isEmpty ? ElementType.float32 : .float64
        let parts = blob.doubles.isEmpty ? blob.data : blob.doubles
        let given = parts.reduce(0) { $0 + $1.count }
        guard given == count * type.size else {
            throw FileProblem(
                "has the blob '\(name)' of shape \(shape), \(count) elements, but holds \(given / type.size)")
        }
        guard parts.count > 1 else {
            return Tensor(shape: shape, storage: type.floats(parts.first ?? .init(start: nil, count: 0), keeper: file))
        }
        // Each part is a field of its own; Caffe writes one.
        let whole = try file.allocate(given)
        var position = 0
        for part in parts {
            UnsafeMutableRawBufferPointer(rebasing: whole[position..<position + part.count]).copyMemory(from: part)
            position += part.count
        }
        return Tensor(shape: shape, storage: type.floats(UnsafeRawBufferPointer(whole), keeper: file))
    }

    /// The fields of a `BlobProto`.
    private struct Blob {
        var data: [UnsafeRawBufferPointer] = []
        var doubles: [UnsafeRawBufferPointer] = []
        /// num, channels, height and width of a blob from before 2015.
        private var old = [1, 1, 1, 1]
        private var dimensions: [Int]? = []
        private var hasShape = false

        init(_ bytes: UnsafeRawBufferPointer, _ budget: ReadingBudget) throws {
            var blob = ProtocolBuffer(bytes, budget)
            while let (field, value) = try blob.next() {
                switch (field, value) {
                case (1...4, .number(let size)): old[field - 1] = Int(Int32(truncatingIfNeeded: size))
                case (5, .bytes(let bytes)) where !bytes.isEmpty: data.append(bytes)
                case (8, .bytes(let bytes)) where !bytes.isEmpty: doubles.append(bytes)
                case (7, .bytes(let bytes)):
                    hasShape = true
                    var shape = ProtocolBuffer(bytes, budget)
                    while let (field, value) = try shape.next() {
                        if field != 1 { continue }
                        switch value {
                        case .number(let size): add([size])
                        case .bytes(let packed):
                            var sizes = ProtocolBuffer(packed, budget)
                            add(try sizes.numbers(atMost: 64))
                        }
                    }
                default: break
                }
            }
        }

        private mutating func add(_ sizes: [UInt64]?) {
            guard let known = dimensions, let sizes, known.count + sizes.count <= 64 else {
                dimensions = nil
                return
            }
            dimensions = known + sizes.map { Int(Int64(bitPattern: $0)) }
        }

        /// The shape; nil where it has too many axes.
        var sizes: [Int]? {
            if hasShape { return dimensions }
            // These blobs always have four axes; a bias is 1x1x1xC, a linear layer's matrix 1x1xOxI.
            return old[0] == 1 && old[1] == 1 ? (old[2] == 1 ? [old[3]] : [old[2], old[3]]) : old
        }
    }
}
