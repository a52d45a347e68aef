extension NumPyReference {
    /// From the state that `numpy.ndarray.__reduce__` gives: (version, shape, type, is Fortran order, bytes).
    /// - Returns: nil for an array of something else than numbers.
    init?(state: PickleValue, _ heap: PickleHeap) throws {
        guard let items = heap.items(state), items.count == 5, let shape = heap.integers(items[1]),
            case .bool(let isFortran) = items[3]
        else { throw FileProblem("describes a NumPy array by something else than shape, type, order and bytes") }
        try self.init(items[4], items[2], shape, isFortran: isFortran, heap)
    }

    /// From the arguments of `_frombuffer`: (bytes, type, shape, "C" or "F").
    /// - Returns: nil for an array of something else than numbers.
    init?(buffer arguments: [PickleValue], _ heap: PickleHeap) throws {
        guard arguments.count == 4, let shape = heap.integers(arguments[2]), let order = arguments[3].text,
            order == "C" || order == "F"
        else { throw FileProblem("describes a NumPy array by something else than bytes, type, shape and order") }
        try self.init(arguments[0], arguments[1], shape, isFortran: order == "F", heap)
    }

    private init?(
        _ contents: PickleValue, _ type: PickleValue, _ shape: [Int], isFortran: Bool, _ heap: PickleHeap
    ) throws {
        guard case .elementType(let index) = type else { throw FileProblem("has a NumPy array of \(type.kind)") }
        if !heap.elementTypes[index].isOfNumbers { return nil }
        guard let bytes = contents.bytes else {
            throw FileProblem("has a NumPy array of \(contents.kind), not of the bytes of numbers")
        }
        let type = try heap.elementTypes[index].resolved()
        guard let count = elementCount(shape) else {
            throw FileProblem("has a NumPy array of the impossible shape \(shape.prefix(65))")
        }
        let (size, overflow) = count.multipliedReportingOverflow(by: type.size)
        if overflow || size != bytes.count {
            throw FileProblem(
                "has a NumPy array of shape \(shape) and type \(type.rawValue), which takes "
                    + "\(overflow ? "too many" : "\(size)") bytes, but has \(bytes.count)")
        }
        self.init(type: type, shape: shape, isFortran: isFortran, bytes: bytes)
    }
}

extension NumPyElementType {
    private static let types: [String: ElementType] = [
        "f8": .float64, "f4": .float32, "f2": .float16, "i8": .int64, "i4": .int32, "i2": .int16, "i1": .int8,
        "u8": .uint64, "u4": .uint32, "u2": .uint16, "u1": .uint8, "b1": .bool,
    ]

    /// Adds the state of `numpy.dtype`: (version, order, and None three times for a plain type, ...).
    mutating func build(state: PickleValue, _ heap: PickleHeap) throws {
        guard let items = heap.items(state), items.count >= 5, let order = items[1].text else {
            throw FileProblem("has a NumPy type without a byte order")
        }
        self.order = order
        if !items[2...4].allSatisfy(\.isNone) { code = "V" }
    }

    func resolved() throws -> ElementType {
        guard let type = Self.types[code], order != ">" else {
            throw FileProblem(
                "has a NumPy array of type '\(order ?? "")\(code)'; little-endian floats and integers can be read")
        }
        return type
    }
}
