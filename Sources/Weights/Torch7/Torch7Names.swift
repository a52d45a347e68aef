/// The names of a file's tables and tensors: the keys on the shortest way to them, joined with dots. (The first way in
/// the order of the file would lead through the links of a graph's nodes.)
struct Torch7Names {
    /// Of tables, by position; nil for those that only a function refers to.
    private(set) var tables: [String?]
    /// Of tensors, by position.
    private(set) var tensors: [String?]
    /// Of functions, in the order in which they were found.
    private(set) var functions: [String] = []
    /// The entry through which a table got its name: the table that has it, and the position in it.
    private(set) var ways: [(table: Int, entry: Int)?]

    /// Tables nested deeper than this are refused.
    static let depth = 64

    init(_ root: Torch7Value, _ heap: Torch7Heap, _ budget: ReadingBudget) throws {
        tables = Array(repeating: nil, count: heap.tables.count)
        ways = Array(repeating: nil, count: heap.tables.count)
        tensors = Array(repeating: nil, count: heap.tensors.count)
        if case .tensor(let tensor) = root { tensors[tensor] = "tensor" }
        guard case .table(let first) = root else { return }
        tables[first] = ""
        // Breadth first: all tables of one depth, then those of the next.
        var level = [first]
        var depth = 0
        while !level.isEmpty {
            if depth > Self.depth {
                let name = tables[level[0]] ?? ""
                throw FileProblem("nests its tables more than \(Self.depth) deep, at '\(name.prefix(80))'")
            }
            var next: [Int] = []
            for table in level {
                for (position, entry) in heap.tables[table].entries.enumerated() {
                    try budget.step()
                    switch entry.value {
                    case .table(let index) where tables[index] == nil:
                        guard let name = try name(entry.key, in: table, budget) else { continue }
                        tables[index] = name
                        ways[index] = (table, position)
                        next.append(index)
                    case .tensor(let index) where tensors[index] == nil:
                        tensors[index] = try name(entry.key, in: table, budget)
                    case .function:
                        if let name = try name(entry.key, in: table, budget) { functions.append(name) }
                    default: break
                    }
                }
            }
            level = next
            depth += 1
        }
    }

    private func name(_ key: Torch7Value, in table: Int, _ budget: ReadingBudget) throws -> String? {
        guard let key = key.keyText else { return nil }
        let path = tables[table] ?? ""
        if path.utf8.count + key.utf8.count > 1024 {
            throw FileProblem("has a name of more than 1,024 bytes, '\((path + "." + key).prefix(80))...'")
        }
        // The name, and the record of a tensor.
        try budget.allocate(path.utf8.count + key.utf8.count + 256)
        return path.isEmpty ? key : "\(path).\(key)"
    }
}
