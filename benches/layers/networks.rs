//! VGG13's layers twice: ours, and as one writes them with Candle's own operations.

use candle_core::{Device, Result, Tensor, Var};
use mondegreen::nn::{Affine, Conv, Dense, Rectifier, Traced, Window};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// Outputs of the last layer.
const LABELS: usize = 41;

/// The shape of one layer: 3x3 convolution, rectifier, batch norm, perhaps 2x2 max pool.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub height: usize,
    pub width: usize,
    pub inputs: usize,
    pub outputs: usize,
    pub pool: bool,
}

impl Shape {
    /// The ten of VGG13.
    pub fn vgg13() -> Vec<Self> {
        let (mut height, mut width, mut inputs) = (128, 64, 1);
        let mut shapes = Vec::new();
        for outputs in [64, 128, 256, 512, 512] {
            for pool in [false, true] {
                shapes.push(Self { height, width, inputs, outputs, pool });
                inputs = outputs;
            }
            (height, width) = (height / 2, width / 2);
        }
        shapes
    }

    /// Operations of a direct convolution of one image.
    pub fn operations(&self) -> f64 {
        2.0 * 9.0 * (self.inputs * self.outputs * self.height * self.width) as f64
    }

    /// Bytes that a batch must move at least: input, output and weights, once each.
    pub fn bytes(&self, batch: usize) -> f64 {
        let pixels = self.height * self.width;
        let image = self.inputs * pixels + self.outputs * pixels / if self.pool { 4 } else { 1 };
        (4 * (batch * image + 9 * self.inputs * self.outputs)) as f64
    }
}

/// Random weights that keep the scale of what goes through them, the same for both sides.
struct Parameters {
    weight: Vec<f32>,
    bias: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Parameters {
    fn random(shape: &Shape, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut normal = |count: usize, mean: f32, deviation: f32| -> Vec<f32> {
            let values = StandardNormal.sample_iter(&mut random).take(count);
            values.map(|x: f32| mean + deviation * x).collect()
        };
        let spread = (2.0 / (9 * shape.inputs) as f32).sqrt();
        Self {
            weight: normal(9 * shape.inputs * shape.outputs, 0.0, spread),
            bias: normal(shape.outputs, 0.0, 0.1),
            scale: normal(shape.outputs, 1.0, 0.1),
            shift: normal(shape.outputs, 0.0, 0.1),
        }
    }
}

type Function<T> = Box<dyn Fn(&T) -> Result<T> + Send + Sync>;

/// Something that is timed.
pub struct Pair {
    /// Of `[B, H, W, C]`.
    pub ours: Function<Traced>,
    /// Of `[B, C, H, W]`, in Candle's operations.
    pub stock: Function<Tensor>,
}

impl Pair {
    /// One layer.
    pub fn layer(shape: &Shape, seed: u64) -> Result<Self> {
        let parameters = Parameters::random(shape, seed);
        let norm = Affine::new(&parameters.scale, &parameters.shift)?.with(Rectifier::Before);
        let conv = Conv::new(&parameters.weight, &parameters.bias, shape.inputs, Window::SQUARE)?
            .then(&norm, shape.pool)?;
        let (inputs, outputs, pool) = (shape.inputs, shape.outputs, shape.pool);
        let tensor = |values: Vec<f32>, shape: [usize; 4]| {
            Tensor::new(values, &Device::Cpu)?.reshape(&shape)
        };
        let weight = tensor(parameters.weight, [outputs, inputs, 3, 3])?;
        let bias = tensor(parameters.bias, [1, outputs, 1, 1])?;
        let scale = tensor(parameters.scale, [1, outputs, 1, 1])?;
        let shift = tensor(parameters.shift, [1, outputs, 1, 1])?;
        Ok(Self {
            ours: Box::new(move |x| conv.forward(x)),
            stock: Box::new(move |x| {
                let z = x.conv2d(&weight, 1, 1, 1, 1)?.broadcast_add(&bias)?.relu()?;
                let z = z.broadcast_mul(&scale)?.broadcast_add(&shift)?;
                if pool { z.max_pool2d(2) } else { Ok(z) }
            }),
        })
    }

    /// All layers in a row, mean over time and frequency, dense.
    pub fn network() -> Result<Self> {
        let layers =
            Shape::vgg13().into_iter().zip(0..).map(|(shape, seed)| Self::layer(&shape, seed));
        let layers = layers.collect::<Result<Vec<_>>>()?;
        let (ours, stock): (Vec<_>, Vec<_>) =
            layers.into_iter().map(|layer| (layer.ours, layer.stock)).unzip();
        let random = ChaCha8Rng::seed_from_u64(99);
        let weight: Vec<f32> = StandardNormal.sample_iter(random).take(LABELS * 512).collect();
        let dense = Dense::new(&weight, &[0.0; LABELS], 512)?;
        let matrix = Tensor::from_vec(weight, (LABELS, 512), &Device::Cpu)?.t()?.contiguous()?;
        Ok(Self {
            ours: Box::new(move |x| {
                let mut x = x.clone();
                for layer in &ours {
                    x = layer(&x)?;
                }
                dense.forward(&x.map(|x| x.flatten(1, 2)?.mean(1))?)
            }),
            stock: Box::new(move |x| {
                let mut x = x.clone();
                for layer in &stock {
                    x = layer(&x)?;
                }
                x.flatten(2, 3)?.mean(2)?.matmul(&matrix)
            }),
        })
    }

    /// Forward and gradient of the sum to the input, ours.
    pub fn our_gradient(&self, input: &Tensor) -> Result<Tensor> {
        let variable = Traced::variable(input.clone());
        let output = (self.ours)(&variable)?;
        let weights = output.tensor().ones_like()?;
        Ok(output.gradients(&weights, &[&variable])?.swap_remove(0))
    }

    /// Forward and gradient of the sum to the input, Candle's.
    pub fn stock_gradient(&self, input: &Tensor) -> Result<Tensor> {
        let variable = Var::from_tensor(input)?;
        let gradients = (self.stock)(&variable)?.sum_all()?.backward()?;
        match gradients.get(&variable) {
            Some(gradient) => Ok(gradient.clone()),
            None => candle_core::bail!("Candle gave no gradient of the input"),
        }
    }

    /// Largest difference between the two forward passes, relative to the largest value: that both
    /// compute the same. (Candle's max pool has a wrong gradient: gradients can't be compared.)
    pub fn difference(&self, channels_first: &Tensor) -> Result<f64> {
        let stock = (self.stock)(channels_first)?;
        let ours = (self.ours)(&Traced::constant(channels_last(channels_first)?))?;
        let ours = ours.tensor();
        let ours = if ours.rank() == 4 { ours.permute((0, 3, 1, 2))? } else { ours.clone() };
        let largest = |t: &Tensor| t.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>();
        Ok(f64::from(largest(&(ours - &stock)?)? / largest(&stock)?))
    }
}

/// `[B, C, H, W]` to `[B, H, W, C]`.
pub fn channels_last(image: &Tensor) -> Result<Tensor> {
    image.permute((0, 2, 3, 1))?.contiguous()
}
