/// An inverted residual block (Sandler et al. 2018, figure 3b): a 1x1 convolution to many channels, a depthwise
/// convolution, and a 1x1 convolution to few channels. The input is added if neither its size nor its channels change.
public struct InvertedResidual {
    private let expand: Convolution?
    private let depthwise: Convolution
    private let project: Convolution
    private let addsInput: Bool

    /// Maps of fewer floats than this stay in the cache from one layer to the next. For them, splitting each layer over
    /// the threads is faster than processing the block in strips.
    static let small = 1 << 18

    /// - Parameters:
    ///   - expand: nil if the depthwise convolution reads the input.
    ///   - addsInput: whether the input is added to the output.
    public init(expand: Convolution?, depthwise: Convolution, project: Convolution, addsInput: Bool) {
        self.expand = expand
        self.depthwise = depthwise
        self.project = project
        self.addsInput = addsInput
    }

    /// x `[N, H, W, C] -> [N, H', W', O]`
    public func callAsFunction(_ x: Variable) -> Variable {
        if !x.isRecorded, let y = inStrips(x.value) { return Variable(y) }
        let y = depthwise(expand?(x) ?? x)
        return addsInput ? project(y, adding: x) : project(y)
    }

    private func inStrips(_ x: Tensor) -> Tensor? {
        guard x.shape[1] * x.shape[2] * depthwise.outputs >= Self.small,
            let depthwise = depthwise.preparedDepthwise, let project = project.preparedPointwise
        else { return nil }
        var first: PointwiseLayer?
        if let expand {
            guard let layer = expand.preparedPointwise else { return nil }
            first = layer
        }
        return invertedResidualForward(
            x, expand: first, depthwise: depthwise, project: project, addsInput: addsInput)
    }
}
