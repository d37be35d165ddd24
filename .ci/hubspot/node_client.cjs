// HubSpot's own library for Node, @hubspot/api-client, used as its documentation says. It speaks v3 and v4; the versions with
// dates it knows by `apiRequest` only, where nothing is typed.
const http = require('node:http')
const assert = require('node:assert')
const { Client, Signature } = require('@hubspot/api-client')

const { HUBSPOT_URL, HUBSPOT_TOKEN, CLIENT_SECRET, SIGNED_URL, RECEIVER_PORT } = process.env
const client = new Client({ accessToken: HUBSPOT_TOKEN, basePath: HUBSPOT_URL })
const typed = (id) => [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: id }]

// What the webhooks of the portal bring, by the library's own check of their signature.
function receive() {
  const seen = []
  const server = http.createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      const signed = {
        signatureVersion: 'v3',
        method: request.method,
        url: SIGNED_URL,
        clientSecret: CLIENT_SECRET,
        signature: request.headers['x-hubspot-signature-v3'],
        timestamp: Number(request.headers['x-hubspot-request-timestamp']),
      }
      assert(Signature.isValid({ ...signed, requestBody: body }), 'the signature of a webhook')
      assert(!Signature.isValid({ ...signed, requestBody: `${body} ` }), 'the signature of another body')
      seen.push(...JSON.parse(body))
      response.end()
    })
  })
  return new Promise((ready) => server.listen(Number(RECEIVER_PORT), '127.0.0.1', () => ready({ server, seen })))
}

async function until(what, check) {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await check()
    if (found) return found
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`${what} did not come`)
}

async function old() {
  const { contacts, companies, deals } = client.crm
  const properties = { email: 'nora.v3@example.org', firstname: 'Nora', lastname: 'Node', lifecyclestage: 'lead' }
  const contact = await contacts.basicApi.create({ properties, associations: [] })
  assert.equal(contact.properties.email, 'nora.v3@example.org')
  assert(contact.createdAt instanceof Date && contact.archived === false)
  const read = await contacts.basicApi.getById(contact.id, ['firstname', 'lifecyclestage'])
  assert.equal(read.properties.lifecyclestage, 'lead')
  const changed = await contacts.basicApi.update(contact.id, { properties: { firstname: 'Eve' } })
  assert.equal(changed.properties.firstname, 'Eve')
  await assert.rejects(contacts.basicApi.create({ properties, associations: [] }), (error) => {
    return error.code === 409 && /Existing ID: \d+/.test(error.body.message)
  })
  await assert.rejects(contacts.basicApi.getById('1'), (error) => error.code === 404)

  const company = await companies.basicApi.create({ properties: { name: 'Node and Sons' }, associations: [] })
  await client.crm.associations.v4.basicApi.create('contacts', contact.id, 'companies', company.id, typed(1))
  const both = await contacts.basicApi.getById(contact.id, undefined, undefined, ['companies'])
  assert(both.associations.companies.results.some((each) => each.id === company.id && each.type === 'contact_to_company'))
  const many = await client.crm.associations.v4.batchApi.getPage('contacts', 'companies', { inputs: [{ id: contact.id }] })
  assert.equal(String(many.results[0].to[0].toObjectId), company.id)

  const inputs = ['a', 'b'].map((name) => ({ properties: { dealname: name, dealstage: 'contractsent' }, associations: [] }))
  const made = await deals.batchApi.create({ inputs })
  assert.equal(made.results.length, 2)
  const ids = made.results.map((deal) => ({ id: deal.id }))
  await deals.batchApi.update({ inputs: ids.map(({ id }) => ({ id, properties: { amount: '10' } })) })
  const found = await deals.batchApi.read({ inputs: ids, properties: ['amount'], propertiesWithHistory: [] })
  assert.deepEqual(found.results.map((deal) => deal.properties.amount), ['10', '10'])
  await deals.batchApi.archive({ inputs: ids })

  const lead = await client.crm.objects.leads.basicApi.create({
    properties: { hs_lead_name: 'Nora' },
    associations: [{ to: { id: contact.id }, types: typed(578) }],
  })
  assert.equal(lead.properties.hs_lead_name, 'Nora')

  const group = { name: 'node_group', label: 'Node', displayOrder: -1 }
  await client.crm.properties.groupsApi.create('contacts', group)
  const property = await client.crm.properties.coreApi.create('contacts', {
    groupName: group.name, name: 'node_id', label: 'Node ID', type: 'string', fieldType: 'text', hasUniqueValue: true,
  })
  assert(property.hasUniqueValue)
  const listed = await client.crm.properties.coreApi.getAll('contacts')
  assert(listed.results.some((each) => each.name === 'node_id'))
  const pipelines = await client.crm.pipelines.pipelinesApi.getAll('deals')
  assert(pipelines.results[0].stages.some((stage) => stage.id === 'contractsent'))
  const owners = await client.crm.owners.ownersApi.getPage()
  assert(owners.results.some((owner) => owner.email === 'olga@example.org'))

  const filter = { propertyName: 'email', operator: 'EQ', value: 'nora.v3@example.org' }
  const search = {
    filterGroups: [{ filters: [filter] }], sorts: ['hs_object_id'], properties: ['firstname'], limit: 10, after: '0',
  }
  const hits = await until('Nora in the index', async () => {
    const page = await contacts.searchApi.doSearch(search)
    return page.total === 1 && page
  })
  assert.equal(hits.results[0].id, contact.id)
  return contact.id
}

async function dated(version) {
  const ask = async (method, path, body) => {
    const answer = await client.apiRequest({ method, path, body })
    return { status: answer.status, json: answer.status === 204 ? undefined : await answer.json() }
  }
  const email = `nora.${version}@example.org`
  const made = await ask('POST', `/crm/objects/${version}/contacts`, { properties: { email }, associations: [] })
  assert.equal(made.status, 201)
  const path = `/crm/objects/${version}/0-1/${made.json.id}`
  assert.equal((await ask('PATCH', path, { properties: { lastname: version } })).json.properties.lastname, version)
  assert.equal((await ask('GET', `${path}?properties=email,lastname`)).json.properties.email, email)
  for (const what of ['properties', 'pipelines']) {
    assert((await ask('GET', `/crm/${what}/${version}/deals`)).json.results.length > 0)
  }
  assert((await ask('GET', `/crm/owners/${version}`)).json.results.length > 0)
  assert.equal((await ask('GET', `/account-info/${version}/details`)).json.portalId, 247187887)
  assert.equal((await ask('DELETE', path)).status, 204)
}

async function main() {
  const { server, seen } = await receive()
  const id = await old()
  for (const version of ['2026-03', '2026-09']) await dated(version)
  const isCreation = (event) => event.subscriptionType === 'contact.creation' && String(event.objectId) === id
  await until('the webhook', async () => seen.some(isCreation))
  server.close()
  console.log('@hubspot/api-client: v3 and v4 typed, 2026-03 and 2026-09 by apiRequest, webhooks by its Signature')
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1) })
