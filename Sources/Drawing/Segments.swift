import Vision

/// The connected segments of a map's large values, found row by row. A run is a row of pixels side by side. It is
/// joined with the runs of the row above that it touches along an edge.
struct Segments {
    private struct Run {
        var row: Int
        var columns: Range<Int>
        /// The index of an earlier run of the same segment, or of this run.
        var parent: Int
    }

    private var runs: [Run] = []
    private var row = 0
    /// The index in `runs` of the first run of the row above.
    private var above = 0

    /// Adds the next row. Its pixels with a value of at least `least` belong to segments.
    mutating func addRow(_ values: Slice<UnsafeBufferPointer<Float>>, from least: Float) {
        let values = UnsafeBufferPointer(rebasing: values)
        let here = runs.count
        var x = 0
        while x < values.count {
            if values[x] >= least {
                let start = x
                while x < values.count, values[x] >= least { x += 1 }
                runs.append(Run(row: row, columns: start..<x, parent: runs.count))
            } else {
                x += 1
            }
        }
        for run in here..<runs.count {
            for other in above..<here where runs[other].columns.overlaps(runs[run].columns) { join(run, other) }
        }
        above = here
        row += 1
    }

    /// The box around the largest segment. Of several, it is the one that begins first. It is nil if there is no
    /// segment.
    func largestBox() -> Rectangle? {
        var sizes = [Int](repeating: 0, count: runs.count)
        for (index, run) in runs.enumerated() { sizes[root(index)] += run.columns.count }
        guard let size = sizes.max(), let best = sizes.firstIndex(of: size) else { return nil }
        let parts = runs.indices.filter { root($0) == best }.map { runs[$0] }
        let left = parts.map(\.columns.lowerBound).min() ?? 0
        let right = parts.map(\.columns.upperBound).max() ?? 0
        let bottom = parts.map(\.row).max() ?? 0
        return Rectangle(x0: Double(left), y0: Double(runs[best].row), x1: Double(right), y1: Double(bottom + 1))
    }

    /// The index of the first known run of a run's segment.
    private func root(_ run: Int) -> Int {
        var run = run
        while runs[run].parent != run { run = runs[run].parent }
        return run
    }

    private mutating func join(_ a: Int, _ b: Int) {
        let (a, b) = (root(a), root(b))
        runs[max(a, b)].parent = min(a, b)
    }
}
