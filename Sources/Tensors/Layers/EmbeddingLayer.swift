/// One row of `weight` `[V, E]` for each index.
public struct Embedding {
    public let weight: Variable

    public init(_ p: Parameters, count: Int, width: Int, deviation: Float = 0.05) {
        weight = p("weight", shape: [count, width], initial: .normal(deviation))
    }

    /// `[indices.count, E]`
    public func callAsFunction(_ indices: [Int]) -> Variable { embedding(weight, indices) }
}
