/// Zeros around the input.
public enum Padding: Equatable, Hashable, Sendable {
    case explicit(top: Int, left: Int, bottom: Int, right: Int)
    /// TensorFlow's padding: output = ceil(input / stride). An odd pixel goes to the bottom and the right.
    case same

    /// `n` zeros on each side.
    public static func all(_ n: Int) -> Padding { .explicit(top: n, left: n, bottom: n, right: n) }

    /// The zeros before and after an input of `height` x `width`, along both axes.
    func resolved(
        height: Int, width: Int, kernelHeight: Int, kernelWidth: Int, strideHeight: Int, strideWidth: Int
    ) -> (top: Int, left: Int, bottom: Int, right: Int) {
        switch self {
        case .explicit(let top, let left, let bottom, let right): return (top, left, bottom, right)
        case .same:
            func both(_ size: Int, _ kernel: Int, _ stride: Int) -> Int {
                max(0, ((size + stride - 1) / stride - 1) * stride + kernel - size)
            }
            let vertical = both(height, kernelHeight, strideHeight), horizontal = both(width, kernelWidth, strideWidth)
            return (vertical / 2, horizontal / 2, vertical - vertical / 2, horizontal - horizontal / 2)
        }
    }
}

/// Kernel size, stride, padding and groups of a convolution.
public struct ConvolutionGeometry: Equatable, Hashable, Sendable {
    public var kernelHeight: Int, kernelWidth: Int
    public var strideHeight: Int, strideWidth: Int
    public var padding: Padding
    public var groups: Int

    public init(
        kernelHeight: Int, kernelWidth: Int, strideHeight: Int = 1, strideWidth: Int = 1, padding: Padding = .all(0),
        groups: Int = 1
    ) {
        precondition(kernelHeight > 0 && kernelWidth > 0 && strideHeight > 0 && strideWidth > 0 && groups > 0)
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.strideHeight = strideHeight
        self.strideWidth = strideWidth
        self.padding = padding
        self.groups = groups
    }

    /// A square kernel.
    public init(_ kernel: Int, stride: Int = 1, padding: Padding = .all(0), groups: Int = 1) {
        self.init(
            kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride, strideWidth: stride, padding: padding,
            groups: groups)
    }

    /// The zeros around an input of `height` x `width`.
    public func padding(height: Int, width: Int) -> (top: Int, left: Int, bottom: Int, right: Int) {
        padding.resolved(
            height: height, width: width, kernelHeight: kernelHeight, kernelWidth: kernelWidth,
            strideHeight: strideHeight, strideWidth: strideWidth)
    }

    /// The size of the output for an input of `height` x `width`.
    public func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        let p = padding(height: height, width: width)
        return (
            (height + p.top + p.bottom - kernelHeight) / strideHeight + 1,
            (width + p.left + p.right - kernelWidth) / strideWidth + 1
        )
    }

    /// True for 1x1 convolutions, which are one matrix product over all pixels.
    var isPointwise: Bool {
        kernelHeight == 1 && kernelWidth == 1 && strideHeight == 1 && strideWidth == 1 && groups == 1
            && (padding == .same || padding == .all(0))
    }
}

/// Window, stride and padding of a pooling layer.
public struct PoolGeometry: Equatable, Hashable, Sendable {
    public var kernelHeight: Int, kernelWidth: Int
    public var strideHeight: Int, strideWidth: Int
    public var padding: Padding
    /// As in PyTorch: a last window that starts inside the input (or its leading padding) counts even if it ends
    /// outside.
    public var ceilMode: Bool
    /// Average pooling divides by the size of the window including padding (PyTorch's default).
    public var countIncludesPadding: Bool

    /// A square window; its stride is the window's size unless given.
    public init(
        _ kernel: Int, stride: Int? = nil, padding: Padding = .all(0), ceilMode: Bool = false,
        countIncludesPadding: Bool = true
    ) {
        kernelHeight = kernel
        kernelWidth = kernel
        strideHeight = stride ?? kernel
        strideWidth = stride ?? kernel
        self.padding = padding
        self.ceilMode = ceilMode
        self.countIncludesPadding = countIncludesPadding
    }

    func padding(height: Int, width: Int) -> (top: Int, left: Int, bottom: Int, right: Int) {
        padding.resolved(
            height: height, width: width, kernelHeight: kernelHeight, kernelWidth: kernelWidth,
            strideHeight: strideHeight, strideWidth: strideWidth)
    }

    func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        let p = padding(height: height, width: width)
        func size(_ input: Int, _ before: Int, _ after: Int, _ kernel: Int, _ stride: Int) -> Int {
            let span = input + before + after - kernel
            if !ceilMode { return span / stride + 1 }
            let count = (span + stride - 1) / stride + 1
            return (count - 1) * stride >= input + before ? count - 1 : count
        }
        return (
            size(height, p.top, p.bottom, kernelHeight, strideHeight),
            size(width, p.left, p.right, kernelWidth, strideWidth)
        )
    }
}
