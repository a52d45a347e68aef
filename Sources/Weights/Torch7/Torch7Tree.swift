/// The values of a `.t7` file as a tree.
struct Torch7Tree {
    let heap: Torch7Heap
    let names: Torch7Names
    let budget: ReadingBudget
    /// For each table, whether there are tables in it.
    private let holdsTables: [Bool]

    init(heap: Torch7Heap, names: Torch7Names, budget: ReadingBudget) {
        self.heap = heap
        self.names = names
        self.budget = budget
        holdsTables = heap.tables.map { table in
            table.entries.contains { if case .table = $0.value { true } else { false } }
        }
    }

    /// The tree of `value`. A table with further tables in it stands at its name only, and is ``PlainValue/other`` in
    /// all other places: that ends circles, and a graph is not unfolded along all the ways through it.
    func value(_ value: Torch7Value, at way: (table: Int, entry: Int)? = nil) throws -> PlainValue {
        guard case .table(let index) = value else { return leaf(value) }
        let table = heap.tables[index]
        let isHere = names.ways[index].map { $0.table == way?.table && $0.entry == way?.entry } ?? (way == nil)
        if !isHere && holdsTables[index] { return .other }
        try budget.step(table.entries.count)
        try budget.allocate(table.entries.count * MemoryLayout<PlainValue.Entry>.stride)
        // No deeper than Torch7Names.depth: every table that has tables in it stands one level below its name's parent.
        var entries: [PlainValue.Entry] = []
        for (position, entry) in table.entries.enumerated() {
            entries.append(
                PlainValue.Entry(leaf(entry.key), try self.value(entry.value, at: (index, position))))
        }
        if let type = table.type { return .record(type: type, fields: entries) }
        return Self.list(entries).map { .list($0) } ?? .dictionary(entries)
    }

    /// A value without the tables in it.
    func leaf(_ value: Torch7Value) -> PlainValue {
        switch value {
        case .none: .none
        case .bool(let value): .bool(value)
        case .number(let number): value.integer.map { .integer($0) } ?? .real(number)
        case .text(let text): .text(text)
        case .tensor(let index):
            if heap.tensors[index].type.isReadable, let name = names.tensors[index] { .tensor(name) } else { .other }
        case .storage(let index): sizes(heap.storages[index]).map { .list($0) } ?? .other
        case .table, .function, .bytes: .other
        }
    }

    /// The numbers of a short storage of 64-bit integers: a layer's sizes.
    private func sizes(_ storage: Torch7Heap.Storage) -> [PlainValue]? {
        guard storage.reference.type == .int64, storage.reference.count <= 16 else { return nil }
        return (0..<storage.reference.count).map {
            .integer(Int(Int64(littleEndian: storage.bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))))
        }
    }

    /// The values in the order of their keys, where these are 1, 2, 3 and so on; nil for other tables.
    private static func list(_ entries: [PlainValue.Entry]) -> [PlainValue]? {
        var items = [PlainValue?](repeating: nil, count: entries.count)
        for entry in entries {
            guard case .integer(let key) = entry.key, (1...entries.count).contains(key), items[key - 1] == nil else {
                return nil
            }
            items[key - 1] = entry.value
        }
        return items.compactMap { $0 }
    }
}
