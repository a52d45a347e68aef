import Tensors

/// A sequence of Inception modules. A module has parallel branches, whose outputs are concatenated along the channels.
/// GoogLeNet and Inception-v3 consist of such modules.
struct InceptionStack: Sendable {
    /// torchvision's `BasicConv2d`: a convolution without a bias (`conv`), batch normalisation (`bn`), and a ReLU.
    struct Unit: Sendable {
        /// The name under the module's name; empty if the module is this unit alone.
        let name: String
        let outputs: Int
        let height: Int, width: Int
        let stride: Int
        /// Whether zeros are added around the input, so that stride 1 keeps its size.
        let isPadded: Bool

        init(
            _ name: String, _ outputs: Int, _ height: Int = 1, _ width: Int? = nil, stride: Int = 1,
            isPadded: Bool = true
        ) {
            self.name = name
            self.outputs = outputs
            self.height = height
            self.width = width ?? height
            self.stride = stride
            self.isPadded = isPadded
        }

        var geometry: ConvolutionGeometry {
            let vertical = isPadded ? (height - 1) / 2 : 0, horizontal = isPadded ? (width - 1) / 2 : 0
            return ConvolutionGeometry(
                kernelHeight: height, kernelWidth: width, strideHeight: stride, strideWidth: stride,
                padding: .explicit(top: vertical, left: horizontal, bottom: vertical, right: horizontal))
        }

        func path(in module: String) -> String { name.isEmpty ? module : "\(module).\(name)" }
    }

    enum Step: Sendable {
        case unit(Unit)
        /// Units that read the same input; their outputs are concatenated along the channels.
        case fork([Unit])
        case maximumPool(PoolGeometry)
        case averagePool(PoolGeometry)

        var units: [Unit] {
            switch self {
            case .unit(let unit): return [unit]
            case .fork(let units): return units
            case .maximumPool, .averagePool: return []
            }
        }
    }

    struct Module: Sendable {
        let name: String
        /// A pool between the previous module and this one.
        let pool: PoolGeometry?
        let branches: [[Step]]

        init(_ name: String, after pool: PoolGeometry? = nil, _ branches: [[Step]]) {
            self.name = name
            self.pool = pool
            self.branches = branches
        }

        /// A module of a single unit.
        init(
            _ name: String, after pool: PoolGeometry? = nil, _ outputs: Int, _ kernel: Int, stride: Int = 1,
            isPadded: Bool = true
        ) {
            self.init(name, after: pool, [[.unit(Unit("", outputs, kernel, stride: stride, isPadded: isPadded))]])
        }
    }

    let modules: [Module]
    let epsilon: Float = 1e-3

    init(_ modules: [Module]) { self.modules = modules }

    var normPairs: [(convolution: String, norm: String)] {
        modules.flatMap { module in
            module.branches.joined().flatMap(\.units).map { unit in
                let path = unit.path(in: module.name)
                return ("\(path).conv", "\(path).bn")
            }
        }
    }

    func encoder(_ p: Parameters, folded: Bool) -> Encoder {
        var stages: [Encoder.Stage] = []
        var channels = 3, stride = 1
        for module in modules {
            let branches = module.branches.map { branch(p, module.name, $0, inputs: channels, folded: folded) }
            let pool = module.pool
            channels = branches.reduce(0) { $0 + $1.channels }
            stride *= (pool?.strideHeight ?? 1) * (branches.first?.stride ?? 1)
            let applied = branches.map(\.apply)
            stages.append(
                Encoder.Stage(name: module.name, channels: channels, stride: stride) { x in
                    let x = pool.map { maximumPool(x, $0) } ?? x
                    return Self.concatenated(applied, x)
                })
        }
        return Encoder(stages: stages)
    }

    private typealias Branch = (channels: Int, stride: Int, apply: (Variable) -> Variable)

    private func branch(_ p: Parameters, _ module: String, _ steps: [Step], inputs: Int, folded: Bool) -> Branch {
        var branch: Branch = (inputs, 1, { $0 })
        for step in steps {
            let before = branch
            let units = step.units.map { unit in
                Convolution(
                    p[unit.path(in: module)], "conv", inputs: before.channels, outputs: unit.outputs, unit.geometry,
                    activation: .relu, norm: folded ? nil : "bn", epsilon: epsilon)
            }
            switch step {
            case .unit, .fork:
                branch.channels = step.units.reduce(0) { $0 + $1.outputs }
                branch.stride *= step.units.first?.stride ?? 1
                branch.apply = { x in
                    let x = before.apply(x)
                    return Self.concatenated(units.map { unit in { unit($0) } }, x)
                }
            case .maximumPool(let geometry):
                branch.stride *= geometry.strideHeight
                branch.apply = { maximumPool(before.apply($0), geometry) }
            case .averagePool(let geometry):
                branch.stride *= geometry.strideHeight
                branch.apply = { averagePool(before.apply($0), geometry) }
            }
        }
        return branch
    }

    private static func concatenated(_ parts: [(Variable) -> Variable], _ x: Variable) -> Variable {
        parts.count == 1 ? parts[0](x) : concatenateLast(parts.map { $0(x) })
    }
}

extension Preprocessing {
    /// torchvision's transform for the networks whose weights were ported from TensorFlow: pixels in -1...1.
    ///
    /// torchvision normalises with ImageNet's statistics, and the network reverts that (`transform_input`, which its
    /// pretrained weights enable). Together this is (pixel - 127.5) / 127.5. Here the preprocessing does it, and the
    /// network does not change its input.
    static func plusMinusOne(shortSide: Int, size: Int) -> Preprocessing {
        Preprocessing(
            width: size, height: size, fit: .crop, resizeShortSide: shortSide, filter: .bilinear,
            mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5])
    }
}
