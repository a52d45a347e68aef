import Support
import Tensors

/// Folds batch normalisation into the convolutions of a state dictionary (file layout): scales `<convolution>.weight`,
/// adds `<convolution>.bias`, and removes the entries of the normalisation, with `num_batches_tracked`.
/// - Throws: ``FoldingError`` that names the tensor that is missing or has another shape.
public func foldingBatchNorms(
    _ state: [String: Tensor], pairs: [(convolution: String, norm: String)], epsilon: Float
) throws -> [String: Tensor] {
    var result = state
    for (convolution, norm) in pairs {
        func take(_ name: String, shape: [Int]? = nil) throws -> Tensor {
            guard let tensor = state[name] else { throw FoldingError(name: name, expected: shape, found: nil) }
            if let shape, tensor.shape != shape { throw FoldingError(name: name, expected: shape, found: tensor.shape) }
            return tensor
        }
        let weight = try take("\(convolution).weight")
        let channels = [weight.shape.first ?? 0]
        let folded = foldedBatchNorm(
            weight: weight, bias: state["\(convolution).bias"], gamma: try take("\(norm).weight", shape: channels),
            beta: try take("\(norm).bias", shape: channels), mean: try take("\(norm).running_mean", shape: channels),
            variance: try take("\(norm).running_var", shape: channels), epsilon: epsilon)
        result["\(convolution).weight"] = folded.weight
        result["\(convolution).bias"] = folded.bias
        for part in ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"] {
            result["\(norm).\(part)"] = nil
        }
    }
    return result
}

/// A tensor that is missing or has another shape when batch normalisation is folded.
public struct FoldingError: UserFacingError {
    public static let failureCode = FailureCode.model
    public let name: String
    public let expected: [Int]?
    public let found: [Int]?
    public var description: String {
        guard let found else { return "tensor \(name) is missing; is this a checkpoint of this encoder?" }
        return "tensor \(name) has shape \(found), expected \(expected ?? [])"
    }
}
