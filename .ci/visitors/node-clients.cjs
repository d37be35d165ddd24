// Segment's and RudderStack's libraries for Node, used as their documentation says.
const { Analytics } = require('@segment/analytics-node')
const Rudder = require('@rudderstack/rudder-sdk-node')

const consent = { canonical: { marketing: true } }
const context = { ip: '203.0.113.50', campaign: { source: 'newsletter', medium: 'email' }, consent }

async function segment() {
  const analytics = new Analytics({ writeKey: 'wk_test', host: process.env.BRIDGE, flushInterval: 200 })
  const failed = []
  analytics.on('error', (error) => failed.push(error))
  analytics.identify({
    userId: 'segment-node',
    anonymousId: 'browser-1',
    traits: { email: 'Segment.Node@example.com', firstName: 'Nora', lastName: 'Node', country: 'GB' },
    context,
  })
  analytics.track({ userId: 'segment-node', event: 'Signed Up', properties: { method: 'email' }, context })
  analytics.page({ userId: 'segment-node', name: 'Home', properties: { url: 'https://shop.example.com/' }, context })
  analytics.track({ userId: 'segment-node', event: 'Order Completed', context })
  await analytics.closeAndFlush({ timeout: 10000 })
  if (failed.length) throw new Error(JSON.stringify(failed))
}

async function rudder() {
  const client = new Rudder('wk_test', { dataPlaneUrl: process.env.BRIDGE, flushInterval: 200 })
  client.identify({
    userId: 'rudder-node',
    traits: { email: 'rudder.node@example.com', firstName: 'Rita', lastName: 'Rudder' },
    context,
  })
  client.track({ userId: 'rudder-node', event: 'Lead Captured', properties: { source: 'webinar' }, context })
  await new Promise((done, failed) => client.flush((error) => (error ? failed(error) : done())))
  // The library flushes once more by itself.
  await new Promise((done) => setTimeout(done, 1500))
}

segment().then(rudder).then(() => process.exit(0), (error) => { console.error(error); process.exit(1) })
