import Tensors

/// Names and shapes that tell one family of checkpoints: `"{lstm}.weight_ih_l0 4H E"`. A name may have one part in
/// braces, which stands for a module of any name; axes are numbers, symbols, and sums of multiples of them (`E+2H`).
/// A line that begins with `?` may be missing.
struct TensorPattern: Sendable {
    private struct Line: Sendable {
        let isOptional: Bool
        /// Before, in and after the braces.
        let start: String, module: String?, end: String
        let axes: [Axis]
    }

    /// A sum of multiples of symbols, and a number.
    private struct Axis: Sendable {
        var terms: [(symbol: Character, factor: Int)] = []
        var number = 0

        init(_ text: Substring) {
            for part in text.split(separator: "+") {
                let factor = Int(part.prefix { $0.isNumber })
                if let symbol = part.last, symbol.isLetter {
                    terms.append((symbol, factor ?? 1))
                } else {
                    number += factor ?? 0
                }
            }
        }

        /// Whether a length fits; binds the symbol where one is not known.
        func fits(_ length: Int, _ sizes: inout [Character: Int]) -> Bool {
            var rest = length - number
            var open: (symbol: Character, factor: Int)?
            for term in terms {
                if let size = sizes[term.symbol] {
                    rest -= size * term.factor
                } else if open == nil {
                    open = term
                } else {
                    return false
                }
            }
            guard let open else { return rest == 0 }
            guard rest > 0, rest % open.factor == 0 else { return false }
            sizes[open.symbol] = rest / open.factor
            return true
        }
    }

    private let lines: [Line]

    /// - Parameter lines: those whose symbols are sums after those that bind their symbols.
    init(_ lines: [String]) {
        self.lines = lines.map { line in
            let isOptional = line.hasPrefix("?")
            let parts = line.drop { $0 == "?" }.split(separator: " ")
            let name = parts.first.map(String.init) ?? ""
            let axes = parts.dropFirst().map(Axis.init)
            guard let open = name.firstIndex(of: "{"), let close = name.firstIndex(of: "}") else {
                return Line(isOptional: isOptional, start: name, module: nil, end: "", axes: axes)
            }
            return Line(
                isOptional: isOptional, start: String(name[..<open]),
                module: String(name[name.index(after: open)..<close]), end: String(name[name.index(after: close)...]),
                axes: axes)
        }
    }

    /// What a pattern found in a file.
    struct Match {
        /// The beginning of all names, up to a dot.
        var root: String
        /// The modules in braces.
        var modules: [String: String] = [:]
        /// The symbols' lengths.
        var sizes: [Character: Int] = [:]
        /// The full names of the pattern's tensors.
        var names: [String] = []

        /// A length; 0 for a symbol that the pattern does not have.
        subscript(symbol: Character) -> Int { sizes[symbol] ?? 0 }

        /// The full name of a tensor of the pattern, whose module in braces is filled in.
        func name(_ pattern: String) -> String {
            var name = pattern
            for (module, found) in modules { name = name.replacingOccurrences(of: "{\(module)}", with: found) }
            return root + name
        }
    }

    /// The first match in tensors of these shapes.
    func match(_ shapes: [String: [Int]]) -> Match? {
        guard let first = lines.first else { return nil }
        let sorted = shapes.keys.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
        if first.module != nil { return match(0, Match(root: ""), shapes, sorted) }
        for name in sorted where name == first.start || name.hasSuffix("." + first.start) {
            let root = String(name.dropLast(first.start.count))
            if let match = match(0, Match(root: root), shapes, sorted) { return match }
        }
        return nil
    }

    private func match(_ index: Int, _ match: Match, _ shapes: [String: [Int]], _ sorted: [String]) -> Match? {
        guard index < lines.count else { return match }
        let line = lines[index]
        func going(on name: String, module: String?) -> Match? {
            guard let shape = shapes[name], shape.count == line.axes.count else { return nil }
            var next = match
            for (length, axis) in zip(shape, line.axes) where !axis.fits(length, &next.sizes) { return nil }
            if let wanted = line.module, let module { next.modules[wanted] = module }
            next.names.append(name)
            return self.match(index + 1, next, shapes, sorted)
        }
        func fits(_ module: String) -> Match? {
            going(on: match.root + line.start + module + line.end, module: module)
        }
        if let module = line.module {
            if let known = match.modules[module] {
                if let found = fits(known) { return found }
            } else {
                for name in sorted
                where name.hasPrefix(match.root + line.start) && name.hasSuffix(line.end) && !match.names.contains(name)
                {
                    let module = String(name.dropFirst((match.root + line.start).count).dropLast(line.end.count))
                    if !module.isEmpty, let found = fits(module) { return found }
                }
            }
        } else if let found = going(on: match.root + line.start, module: nil) {
            return found
        }
        return line.isOptional ? self.match(index + 1, match, shapes, sorted) : nil
    }
}
